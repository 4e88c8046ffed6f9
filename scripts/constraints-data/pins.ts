/** package → [[Airflow version, pin]]: where its pin changes; null: that Airflow's constraints do not name it. */
export type Pins = Readonly<Record<string, readonly (readonly [airflow: string, pin: string | null])[]>>;

/** @param files text of the constraints file by Airflow version, oldest first */
export function pinsByPackage(files: Readonly<Record<string, string>>): Pins {
  const pins = Object.entries(files).map(([version, text]) => [version, pinsOf(text)] as const);
  const names = [...new Set(pins.flatMap(([, found]) => [...found.keys()]))].sort();
  return Object.fromEntries(names.map((name) => {
    const changes: (readonly [string, string | null])[] = [];
    for (const [version, found] of pins) {
      const pin = found.get(name) ?? null;
      if (changes.length === 0 ? pin !== null : changes.at(-1)?.[1] !== pin) changes.push([version, pin]);
    }
    return [name, changes];
  }));
}

const pinsOf = (text: string): ReadonlyMap<string, string> =>
  new Map(text.split('\n').flatMap((line) => {
    const found = /^([A-Za-z0-9._-]+)==([^\s;#]+)/u.exec(line.trim());
    return found ? [[(found[1] ?? '').toLowerCase().replace(/[-_.]+/gu, '-'), found[2] ?? ''] as const] : [];
  }));
