/** A token bucket: `perSecond` calls in a burst, then that rate. */
export function createThrottle(perSecond: number, now: () => number) {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return {
    /** False: this call is one too many. */
    admits(key: string): boolean {
      const at = now();
      const bucket = buckets.get(key) ?? { tokens: perSecond, at };
      bucket.tokens = Math.min(perSecond, bucket.tokens + ((at - bucket.at) / 1000) * perSecond);
      bucket.at = at;
      buckets.set(key, bucket);
      if (bucket.tokens < 1) return false;
      bucket.tokens -= 1;
      return true;
    },
  };
}
