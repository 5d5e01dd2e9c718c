import type { Step } from "../scenario.ts";
import { stepOf } from "../scenario.ts";

/** Flags that tsd's own client doesn't have yet; its engine does. */
const FLAGS =
  /--(?:group-add|domainname|shm-size|security-opt|ulimit|sysctl|add-host|dns|oom-score-adj|pid|mount|memory|cpus|cpu-shares|cpuset|pids-limit|ipc|uts|userns|runtime)\b/;

const WHY = "its client has no such flag yet";

/** Steps with such flags are for docker alone. */
export function later(step: string | Step): Step {
  const full = stepOf(step);
  return FLAGS.test(full.line) ? { ...full, notForTsd: WHY } : full;
}

/** For scenarios that stand on such a step. */
export const allLater = (step: string | Step): Step => ({ ...stepOf(step), notForTsd: WHY });
