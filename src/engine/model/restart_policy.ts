/**
 * @module
 * Restart policies: reading and checking one, and the decision whether and when an ended container starts again
 * (docs.docker.com, "Start containers automatically"; texts and times are Docker's). Pure; `restarter.ts` does the waiting.
 */
import type { HostConfig, RestartPolicy } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import { parseSignal } from "./signals.ts";

/** Delay before the first restart, in ms; each further one doubles it. */
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 60_000;
/** A container that ran for so long begins with the first delay again, in ms. */
const STEADY_MS = 10_000;
const POLICIES = ["no", "always", "on-failure", "unless-stopped"] as const;

/** A policy that was checked. */
export interface CheckedPolicy {
  readonly name: typeof POLICIES[number];
  /** Only with `on-failure`; 0 is no limit. */
  readonly maxRetries: number;
}

/** What the decision is made from. */
export interface RestartSituation {
  readonly policy: CheckedPolicy;
  readonly exitCode: number;
  /** How long the run took that has ended. */
  readonly ranMs: number;
  /** Restarts since somebody started it. */
  readonly restartCount: number;
  /** The delay before the present run; 0 when somebody started it. */
  readonly lastDelayMs: number;
  /** Somebody stopped it (see {@link endsManually}) since it was last started. */
  readonly manuallyStopped: boolean;
  /**
   * The container hasn't ended just now: the engine came up and found it at rest. To be said after a boot and by an engine
   * that runs as a service; one that comes and goes on demand only looks after what ended while it was away.
   */
  readonly engineStart: boolean;
}

export type RestartDecision =
  | { readonly restart: true; readonly afterMs: number }
  | { readonly restart: false };

/** A container's policy as inspect shows it. */
export function shownPolicy({ RestartPolicy: given }: Pick<HostConfig, "RestartPolicy">): Required<RestartPolicy> {
  return { Name: given?.Name || "no", MaximumRetryCount: given?.MaximumRetryCount ?? 0 };
}

/** @throws {TsdError} invalid_argument, with Docker's texts */
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

/** Whether and when an ended container starts again. */
export function decideRestart(situation: RestartSituation): RestartDecision {
  if (!shouldRestart(situation)) return { restart: false };
  return { restart: true, afterMs: situation.engineStart ? 0 : nextDelayMs(situation) };
}

/**
 * Whether a signal that somebody sent counts as stopping the container by hand. Docker counts every signal to a container
 * without STOPSIGNAL, which makes a reload by HUP end all restarts; here only those count that are there to end a process.
 * @param stopSignal the container's, if it has one
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
      // The engine's start is what takes back a manual stop.
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
