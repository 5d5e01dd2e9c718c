/**
 * @module
 * The health check of a container: merges the image's and the request's configuration, validates it (with Docker's
 * rules and texts), and derives the plan that a monitor follows.
 */
import type { ContainerConfig, HealthConfig, HostConfig } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import type { Healthcheck } from "../../image/config.ts";

/** The annotation with the action for an unhealthy container; `tsd run --health-on-failure` sets it. */
export const HEALTH_ON_FAILURE_ANNOTATION = "io.tsd.health-on-failure";

/** The actions. After `kill` the restart policy decides; `stop` counts as a manual stop. */
export const HEALTH_ACTIONS = ["none", "kill", "restart", "stop"] as const;
export type HealthAction = typeof HEALTH_ACTIONS[number];

/** How a container is probed. All times are in ms. */
export interface HealthPlan {
  /** Program and arguments, run in the container as its user. */
  readonly command: readonly string[];
  readonly intervalMs: number;
  /** Maximum duration of a probe. */
  readonly timeoutMs: number;
  /** How long after the container's start failures don't count, unless a probe has succeeded. */
  readonly startPeriodMs: number;
  /** The interval during the start period, until a probe succeeds. */
  readonly startIntervalMs: number;
  /** Number of consecutive failures after which the container is unhealthy. */
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

/** Merges the request's health check over the image's: absent, empty and 0 values are inherited. */
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

/** Validates the request's health check; an image's is accepted as it is. @throws {TsdError} invalid_argument */
export function checkHealthcheck(own: HealthConfig | null | undefined): void {
  if (own === undefined || own === null) return;
  for (const name of DURATIONS) {
    const value = own[name] ?? 0;
    if (value !== 0 && value < NANOS_PER_MS) throw invalid(`${name} in Healthcheck cannot be less than 1ms`);
  }
  if ((own.Retries ?? 0) < 0) throw invalid("Retries in Healthcheck cannot be negative");
  checkTest(own.Test ?? []);
}

/** Validates the annotation of a container whose configuration is merged. @throws {TsdError} invalid_argument */
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

/** Returns the action for an unhealthy container. */
export function healthAction({ Annotations: annotations }: Pick<HostConfig, "Annotations">): HealthAction {
  const given = annotations?.[HEALTH_ON_FAILURE_ANNOTATION];
  return HEALTH_ACTIONS.find((each) => each === given) ?? "none";
}

/** Returns how a container with this merged configuration is probed, or undefined if it has no health check. */
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

/** Converts ns to ms. Values below 1 ms, which only an image can have, become 1 ms. */
function millis(nanos: number | undefined): number | undefined {
  return nanos === undefined || nanos <= 0 ? undefined : Math.max(nanos / NANOS_PER_MS, 1);
}

const nonZero = (numbers: HealthConfig): HealthConfig =>
  Object.fromEntries(Object.entries(numbers).filter(([, value]) => value));
const invalid = (message: string) => new TsdError("invalid_argument", message);
