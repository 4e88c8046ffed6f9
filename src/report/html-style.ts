/**
 * How a report looks as a page: light and dark, from 320 px, on paper. Every pair of text and ground has a contrast of at least 4.5 : 1, every
 * bar of at least 3 : 1 (WCAG 2.2, 1.4.3 and 1.4.11); test/contract/page computes them.
 */
const LIGHT = '--ground:#fff;--text:#1f2328;--soft:#59636e;--line:#d1d9e0;--inset:#f6f8fa;--link:#0550ae;--done:#1a7f37;--open:#0969da;--pause:#9a6700;--bad:#cf222e';
const DARK = '--ground:#0d1117;--text:#e6edf3;--soft:#9ea7b1;--line:#3d444d;--inset:#151b23;--link:#79b8ff;--done:#3fb950;--open:#4493f8;--pause:#d29922;--bad:#f85149';

export const HTML_STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;margin:0;background:var(--ground);color:var(--text)}
main{max-width:72rem;margin:0 auto;padding:1.5rem 1rem 3rem}
.kind{color:var(--soft);margin:0;overflow-wrap:anywhere}
h1{font-size:1.4rem;line-height:1.35;margin:.2rem 0 1rem;padding-left:.8rem;border-left:.4rem solid;overflow-wrap:anywhere}
h1.good{border-color:var(--done)}h1.care{border-color:var(--pause)}h1.bad{border-color:var(--bad)}
h2{font-size:1.15rem;margin:1.8rem 0 .5rem;overflow-wrap:anywhere}h3{font-size:1rem;margin:1rem 0 .3rem}
p,ul,ol{margin:.5rem 0}ul,ol{padding-left:1.4rem}li{overflow-wrap:anywhere}
a{color:var(--link)}
.next{border:1px solid var(--line);border-radius:.5rem;padding:.2rem 1rem .6rem;background:var(--inset);margin:1rem 0}.next h2{margin-top:.6rem}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:.925rem}
th,td{border:1px solid var(--line);padding:.3rem .6rem;text-align:left;vertical-align:top}
th{background:var(--inset);white-space:nowrap}
td.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
pre{background:var(--inset);border:1px solid var(--line);border-radius:.4rem;padding:.6rem;overflow-x:auto}
code{font:.9em ui-monospace,monospace;background:var(--inset);border-radius:.2rem;padding:0 .25rem;overflow-wrap:anywhere}
code.s{white-space:nowrap}
td code{display:inline-block;max-width:26rem;overflow-wrap:break-word}@media(max-width:40rem){td code{max-width:15rem}}
pre code{background:none;padding:0;overflow-wrap:normal}
summary{cursor:pointer}summary h2{display:inline}details{margin:1.4rem 0}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.timeline{list-style:none;padding:0}.timeline li{margin:.35rem 0;display:flex;flex-wrap:wrap;justify-content:space-between;column-gap:1rem}
.what{font-weight:600}.when{color:var(--soft);font-variant-numeric:tabular-nums}
.bar{flex:1 0 100%;width:100%;height:.6rem;margin-top:.1rem}.track{fill:var(--inset)}
.key{margin-right:1rem;white-space:nowrap}.dot{display:inline-block;width:.7rem;height:.7rem;margin-right:.3rem;border-radius:.15rem}
.done{fill:var(--done)}.open{fill:var(--open)}.pause{fill:var(--pause)}.bad{fill:var(--bad)}
.dot.done{background:var(--done)}.dot.open{background:var(--open)}.dot.pause{background:var(--pause)}.dot.bad{background:var(--bad)}
@media print{:root{${LIGHT}}main{max-width:none;padding:0}.scroll,pre{overflow:visible}tr,li{break-inside:avoid}h2,h3{break-after:avoid}::details-content{content-visibility:visible;height:auto}.dot,rect{print-color-adjust:exact}}
`;
