import type { ReexecState } from "./reexec.ts";

/** How far an engine's process has come. Each member is set once. */
export interface EnginePhase {
  /** Whether clients can connect, so that they may have changed something. */
  isUp?: boolean;
  /** The state that it passes on; set once it re-executes itself. */
  reexec?: ReexecState;
  /** Whether a signal has stopped it, possibly in the middle of a re-execution. */
  isStopped?: boolean;
}
