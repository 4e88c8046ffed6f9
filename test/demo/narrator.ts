/** Tells the demo's progress: a title per step, facts in full, and what programs say as indented detail with the time. */
export function createNarrator(write: (line: string) => void = console.log) {
  const begun = Date.now();
  return {
    title: (text: string) => write(`\n\x1b[1m${text}\x1b[0m`),
    fact: (text: string) => write(`  ${text}`),
    /** Workflow commands are for GitHub's runner, which shows only the message of an annotation; masks it swallows. */
    detail: (line: string) => {
      if (/^(::(add-mask|debug|group|endgroup)|--- |\s*$)/u.test(line)) return;
      const seconds = ((Date.now() - begun) / 1000).toFixed(0).padStart(4);
      write(`\x1b[2m${seconds} s  ${line.replace(/^::(\w+)[^:]*::/u, '$1: ').replaceAll('%0A', '\n        ')}\x1b[0m`);
    },
  };
}
