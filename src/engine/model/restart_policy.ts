/**
 * @module
 * Restart policies: parsing one, and deciding whether and when a container starts again after its task has ended
 * (docs.docker.com, "Start containers automatically"; texts and delays are Docker's). Pure; `restart_manager.ts` waits
 * and starts.
 */
import type { HostConfig, RestartPolicy } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import { parseSignal } from "./signals.ts";

/** Delay before the first restart, in ms; it doubles with each further restart. */
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 60_000;
/** A task that ran for this long resets the delay, in ms. */
const STEADY_MS = 10_000;
const POLICIES = ["no", "always", "on-failure", "unless-stopped"] as const;

/** A validated policy. */
export interface CheckedPolicy {
  readonly name: typeof POLICIES[number];
  /** Maximum number of restarts of `on-failure`; 0 means no limit. */
  readonly maxRetries: number;
}

/** The input of {@link decideRestart}. */
export interface RestartSituation {
  readonly policy: CheckedPolicy;
  readonly exitCode: number;
  /** How long the task ran, in ms. */
  readonly ranMs: number;
  /** Number of restarts since a user started it. */
  readonly restartCount: number;
  /** The delay before the task that has ended, in ms; 0 if a user started it. */
  readonly lastDelayMs: number;
  /** Whether a user has stopped it (see {@link endsManually}) since its last start. */
  readonly manuallyStopped: boolean;
  /**
   * Whether the decision is made because the engine starts, for a container that is not running: set after a boot and
   * by an engine that runs as a service. An engine that is started on demand evaluates only the containers that exited
   * while no engine ran.
   */
  readonly engineStart: boolean;
}

export type RestartDecision =
  | { readonly restart: true; readonly afterMs: number }
  | { readonly restart: false };

/** Returns a container's policy as inspect shows it. */
export function shownPolicy({ RestartPolicy: given }: Pick<HostConfig, "RestartPolicy">): Required<RestartPolicy> {
  return { Name: given?.Name || "no", MaximumRetryCount: given?.MaximumRetryCount ?? 0 };
}

/** Parses a policy. @throws {TsdError} invalid_argument, with Docker's texts */
export function parseRestartPolicy(
  { RestartPolicy: given, AutoRemove: autoRemove }: Pick<HostConfig, "RestartPolicy" | "AutoRemove">,
): CheckedPolicy {
  const { Name: text = "", MaximumRetryCount: maxRetries = 0 }: Partial<RestartPolicy> = given ?? {};
  const name = POLICIES.find((each) => each === (text || "no"));
  if (name === undefined) {
    throw invalid(`unknown policy '${text}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`);
  }
  if (name === "on-failure") {
    if (maxRetries < 0) throw invalid("maximum retry count cannot be negative");
  } else if (maxRetries !== 0 && text !== "") {
    const also = maxRetries < 0 ? " and cannot be negative" : "";
    throw invalid(`maximum retry count can only be used with 'on-failure'${also}`);
  }
  if (autoRemove && name !== "no") {
    throw new TsdError("invalid_argument", "can't create 'AutoRemove' container with restart policy");
  }
  return { name, maxRetries: name === "on-failure" ? maxRetries : 0 };
}

/** Decides whether and when a container starts again. */
export function decideRestart(situation: RestartSituation): RestartDecision {
  if (!shouldRestart(situation)) return { restart: false };
  return { restart: true, afterMs: situation.engineStart ? 0 : nextDelayMs(situation) };
}

/**
 * Returns whether a signal counts as a manual stop. Docker counts every signal to a container without STOPSIGNAL, so
 * that a reload by HUP ends all restarts; here only signals that are meant to end a process count.
 * @param stopSignal the container's STOPSIGNAL, if it has one
 */
export function endsManually(signal: number, stopSignal: string | undefined): boolean {
  return ENDING.has(signal) || (stopSignal !== undefined && stopSignal !== "" && parseSignal(stopSignal) === signal);
}

const ENDING = new Set(["INT", "QUIT", "KILL", "TERM"].map(parseSignal));

function shouldRestart({ policy, exitCode, restartCount, manuallyStopped, engineStart }: RestartSituation): boolean {
  switch (policy.name) {
    case "no":
      return false;
    case "always":
      // The engine's start overrides a manual stop.
      return engineStart || !manuallyStopped;
    case "unless-stopped":
      return !manuallyStopped;
    case "on-failure":
      if (manuallyStopped || exitCode === 0) return false;
      return policy.maxRetries === 0 || restartCount < policy.maxRetries;
  }
}

function nextDelayMs({ lastDelayMs, ranMs }: RestartSituation): number {
  if (ranMs >= STEADY_MS) return FIRST_DELAY_MS;
  return Math.min(Math.max(lastDelayMs * 2, FIRST_DELAY_MS), LONGEST_DELAY_MS);
}

const invalid = (why: string) => new TsdError("invalid_argument", `invalid restart policy: ${why}`);
