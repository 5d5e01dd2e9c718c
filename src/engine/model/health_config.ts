/**
 * @module
 * What a container's health check is: the image's and the creator's configuration put together and checked (Docker's rules
 * and texts), and the plan that a monitor follows.
 */
import type { ContainerConfig, HealthConfig, HostConfig } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import type { Healthcheck } from "../../image/config.ts";

/** Annotation that says what happens to a container that becomes unhealthy; `tsd run --health-on-failure` sets it. */
export const HEALTH_ON_FAILURE_ANNOTATION = "io.tsd.health-on-failure";

/** `kill` leaves it to the restart policy what follows; `stop` counts as a stop by hand. */
export const HEALTH_ACTIONS = ["none", "kill", "restart", "stop"] as const;
export type HealthAction = typeof HEALTH_ACTIONS[number];

/** How a container is probed. */
export interface HealthPlan {
  /** Program and arguments, run in the container as its user. */
  readonly command: readonly string[];
  readonly intervalMs: number;
  /** How long one probe may run. */
  readonly timeoutMs: number;
  /** After the container's start, failures don't count for so long, unless a probe has succeeded. */
  readonly startPeriodMs: number;
  /** The interval during the start period, until a probe succeeds. */
  readonly startIntervalMs: number;
  /** Failures in a row that make it unhealthy. */
  readonly retries: number;
}

const DEFAULTS = {
  intervalMs: 30_000,
  timeoutMs: 30_000,
  startPeriodMs: 0,
  startIntervalMs: 5_000,
  retries: 3,
};
const DEFAULT_SHELL = ["/bin/sh", "-c"];
const NANOS_PER_MS = 1e6;
const DURATIONS = ["Interval", "Timeout", "StartPeriod", "StartInterval"] as const;

/** The creator's health check over the image's: what is absent, empty or 0 is inherited. */
export function mergeHealthcheck(
  image: Healthcheck | undefined,
  own: HealthConfig | null | undefined,
): HealthConfig | undefined {
  if (image === undefined && !own) return undefined;
  const test = own?.Test?.length ? own.Test : image?.test;
  return {
    ...(test && { Test: test }),
    ...nonZero({
      Interval: own?.Interval || image?.intervalNs,
      Timeout: own?.Timeout || image?.timeoutNs,
      StartPeriod: own?.StartPeriod || image?.startPeriodNs,
      StartInterval: own?.StartInterval || image?.startIntervalNs,
      Retries: own?.Retries || image?.retries,
    }),
  };
}

/** Checks what a creator gave; an image's health check is taken as it is. @throws {TsdError} invalid_argument */
export function checkHealthcheck(own: HealthConfig | null | undefined): void {
  if (own === undefined || own === null) return;
  for (const name of DURATIONS) {
    const value = own[name] ?? 0;
    if (value !== 0 && value < NANOS_PER_MS) throw invalid(`${name} in Healthcheck cannot be less than 1ms`);
  }
  if ((own.Retries ?? 0) < 0) throw invalid("Retries in Healthcheck cannot be negative");
  checkTest(own.Test ?? []);
}

/** Checks the annotation, for a container whose configuration is merged. @throws {TsdError} invalid_argument */
export function checkHealthAction(config: ContainerConfig, host: HostConfig): void {
  const given = host.Annotations?.[HEALTH_ON_FAILURE_ANNOTATION];
  if (given === undefined) return;
  if (!HEALTH_ACTIONS.some((each) => each === given)) {
    const why = `unknown action '${given}'; use one of 'none', 'kill', 'restart', or 'stop'`;
    throw invalid(`invalid ${HEALTH_ON_FAILURE_ANNOTATION}: ${why}`);
  }
  if (given !== "none" && healthPlan(config) === undefined) {
    throw invalid(`cannot set on-failure action to ${given} without a health check`);
  }
}

/** What happens to a container that becomes unhealthy. */
export function healthAction({ Annotations: annotations }: Pick<HostConfig, "Annotations">): HealthAction {
  const given = annotations?.[HEALTH_ON_FAILURE_ANNOTATION];
  return HEALTH_ACTIONS.find((each) => each === given) ?? "none";
}

/** How a container with this merged configuration is probed; undefined when it isn't. */
export function healthPlan(config: Pick<ContainerConfig, "Healthcheck" | "Shell">): HealthPlan | undefined {
  const { Healthcheck: given, Shell: shell } = config;
  const [kind, ...words] = given?.Test ?? [];
  if (words.length === 0 || (kind !== "CMD" && kind !== "CMD-SHELL")) return undefined;
  return {
    command: kind === "CMD" ? words : [...(shell?.length ? shell : DEFAULT_SHELL), ...words],
    intervalMs: millis(given?.Interval) ?? DEFAULTS.intervalMs,
    timeoutMs: millis(given?.Timeout) ?? DEFAULTS.timeoutMs,
    startPeriodMs: millis(given?.StartPeriod) ?? DEFAULTS.startPeriodMs,
    startIntervalMs: millis(given?.StartInterval) ?? DEFAULTS.startIntervalMs,
    retries: given?.Retries && given.Retries > 0 ? given.Retries : DEFAULTS.retries,
  };
}

function checkTest(test: readonly string[]): void {
  const [kind, ...words] = test;
  if (kind === undefined || kind === "NONE") return;
  if (kind !== "CMD" && kind !== "CMD-SHELL") {
    throw invalid(`Unknown healthcheck type '${kind}': use CMD, CMD-SHELL or NONE`);
  }
  if (words.length === 0) throw invalid(`Healthcheck.Test has no command after ${kind}`);
}

/** Less than a millisecond, which only an image can ask for, is one. */
function millis(nanos: number | undefined): number | undefined {
  return nanos === undefined || nanos <= 0 ? undefined : Math.max(nanos / NANOS_PER_MS, 1);
}

const nonZero = (numbers: HealthConfig): HealthConfig =>
  Object.fromEntries(Object.entries(numbers).filter(([, value]) => value));
const invalid = (message: string) => new TsdError("invalid_argument", message);
