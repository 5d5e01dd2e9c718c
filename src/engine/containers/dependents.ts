/**
 * @module
 * What the operations on containers need of the nouns above them: of health checks and of execs. Those import containers,
 * so containers know them by these interfaces only.
 */
import type { Container } from "../model/container.ts";

/** The health checks of containers. No method rejects. */
export interface ContainerHealth {
  /** Starts the health check of a container that was just started. */
  begin(container: Container): void;
  /** Resumes the health check of a container that the previous engine started. */
  restore(container: Container): Promise<void>;
  /** Stops probing while a container is paused or about to be stopped; its health stays as it is. */
  pause(container: Pick<Container, "id">): Promise<void>;
  /** Probes again after {@link ContainerHealth.pause}. */
  resume(container: Pick<Container, "id">): void;
  /** Ends the health check of a container that has exited. Resolves when its last probe has ended. */
  end(container: Container): Promise<void>;
  /** Discards the health of a container that is about to be removed. */
  forget(container: Container): Promise<void>;
}

/** Execs whose start is in progress. */
export interface ExecStarts {
  /** Resolves when no start is in progress in a container: until then, its root and run directory are in use. */
  settled(containerId: string): Promise<void>;
}

/** Execs of containers. */
export interface ContainerExecs {
  /** Forgets the execs of a container that was removed. */
  containerRemoved(container: Container): void;
}
