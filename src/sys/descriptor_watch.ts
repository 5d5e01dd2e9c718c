/**
 * For tests only: which descriptors this process has open. The runtime opens and closes some of its own at any moment
 * (a Worker that starts, a thread that ends), so a count before and after proves nothing: only what is new, and stays.
 */
import { strict as assert } from "node:assert";

const TIMEOUT_MS = 3000;

/** What the open descriptors lead to (as /proc/self/fd names it), and how many lead there. */
function openDescriptors(): Map<string, number> {
  const targets = new Map<string, number>();
  for (const { name } of [...Deno.readDirSync("/proc/self/fd")]) {
    try {
      const target = Deno.readLinkSync(`/proc/self/fd/${name}`);
      targets.set(target, (targets.get(target) ?? 0) + 1);
    } catch (thrown) { // the one that the folder was read through, or closed meanwhile
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    }
  }
  return targets;
}

/** Remembers what is open now; the function that it gives fails when something more stays open. */
export function watchDescriptors(): () => Promise<void> {
  const before = openDescriptors();
  const added = () => [...openDescriptors()].filter(([target, count]) => count > (before.get(target) ?? 0));
  return async () => {
    const end = performance.now() + TIMEOUT_MS;
    while (added().length > 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(added(), [], "no descriptor stays");
  };
}
