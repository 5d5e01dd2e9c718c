import type { HealthConfig, RestartPolicy } from "../../api_types/mod.ts";
import { UsageError } from "../../cli/mod.ts";
import type { CreateFlagValues } from "./create_flags.ts";
import { durationNanos } from "../opts/duration.ts";

const HEALTH_ACTIONS = ["none", "kill", "restart", "stop"];
/** The annotation from which the engine reads `--health-on-failure`; any client can set an annotation. */
const HEALTH_ON_FAILURE_ANNOTATION = "io.tsd.health-on-failure";

/** Parses `--restart`: a policy's name, with `:N` a retry limit. @throws {UsageError} with Docker's messages */
export function restartPolicy(
  { restart: text, rm }: Pick<CreateFlagValues, "restart" | "rm">,
): RestartPolicy | undefined {
  if (text === undefined || text === "") return undefined;
  const [name, ...rest] = text.split(":");
  const count = rest.join(":");
  if (name === "" && text.startsWith(":")) {
    throw new UsageError("invalid restart policy format: no policy provided before colon");
  }
  if (count !== "" && !/^[+-]?\d+$/.test(count)) {
    throw new UsageError("invalid restart policy format: maximum retry count must be an integer");
  }
  if (rm && name !== "no") throw new UsageError("conflicting options: cannot specify both --restart and --rm");
  // The engine checks whether the policy exists.
  return { Name: name as RestartPolicy["Name"], MaximumRetryCount: Number(count) };
}

const DURATIONS = {
  "health-interval": "Interval",
  "health-timeout": "Timeout",
  "health-start-period": "StartPeriod",
  "health-start-interval": "StartInterval",
} as const satisfies Record<string, keyof HealthConfig>;

/** Converts `--health-*` and `--no-healthcheck`. @throws {UsageError} with Docker's messages */
export function healthcheck(flags: CreateFlagValues): HealthConfig | undefined {
  const config: HealthConfig = {};
  if (flags["health-cmd"]) config.Test = ["CMD-SHELL", flags["health-cmd"]];
  for (const [flag, field] of Object.entries(DURATIONS) as [keyof typeof DURATIONS, "Interval"][]) {
    const text = flags[flag];
    const nanos = text === undefined ? 0 : durationNanos(flag, text);
    if (nanos < 0) throw new UsageError(`--${flag} cannot be negative`);
    if (nanos > 0) config[field] = nanos;
  }
  const retries = flags["health-retries"] ?? 0;
  if (retries < 0) throw new UsageError("--health-retries cannot be negative");
  if (retries > 0) config.Retries = retries;
  const isGiven = Object.keys(config).length > 0;
  if (!flags["no-healthcheck"]) return isGiven ? config : undefined;
  if (isGiven || flags["health-on-failure"] !== undefined) {
    throw new UsageError("--no-healthcheck conflicts with --health-* options");
  }
  return { Test: ["NONE"] };
}

/** Converts `--health-on-failure` to the annotation that the engine reads. @throws {UsageError} */
export function healthAnnotations(
  { "health-on-failure": action }: Pick<CreateFlagValues, "health-on-failure">,
): Record<string, string> | undefined {
  if (action === undefined) return undefined;
  if (!HEALTH_ACTIONS.includes(action)) {
    const why = "give one of none, kill, restart and stop";
    throw new UsageError(`invalid argument "${action}" for "--health-on-failure" flag: ${why}`);
  }
  return { [HEALTH_ON_FAILURE_ANNOTATION]: action };
}
