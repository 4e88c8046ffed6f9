/** Waits for a condition, not for time. @throws Error naming what was waited for */
export async function until<T>(what: string, look: () => Promise<T | undefined | false>, { seconds = 120, everyMs = 250 } = {}): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`After ${seconds} s still waiting for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
