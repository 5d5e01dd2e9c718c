/**
 * @module
 * The health of all containers: which are watched, what is told of a change, and what is done to one that has become
 * unhealthy. Whoever starts, pauses, stops and removes containers says so here.
 */
import { toTsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { HookBus } from "../../plugins/mod.ts";
import type { Clock } from "../../async/clock.ts";
import { type Container, isLive } from "../model/container.ts";
import { containerContext } from "../model/hook_payloads.ts";
import type { ContainerEvents } from "../events/container_events.ts";
import { type HealthAction, healthAction, healthPlan } from "../model/health_config.ts";
import { freshHealth, HealthMonitor, type HealthState } from "./health_monitor.ts";
import type { HealthStore } from "./health_store.ts";
import type { Probe } from "./probe.ts";
import type { ContainerHealth } from "../containers/dependents.ts";

/** What can be done to an unhealthy container. */
export type HealthActions = Readonly<Record<Exclude<HealthAction, "none">, (id: string) => Promise<unknown>>>;

export interface HealthChecksDeps {
  readonly clock: Clock;
  readonly events: ContainerEvents;
  readonly hooks: Pick<HookBus, "callParallel">;
  readonly store: HealthStore;
  readonly log: Log;
  /** Makes a container's probe. */
  readonly probeOf: (container: Container, command: readonly string[]) => Probe;
  readonly actions: HealthActions;
}

/** See the module's comment. A container without a health check is left alone by every method. */
export class HealthChecks implements ContainerHealth, AsyncDisposable {
  readonly #deps: HealthChecksDeps;
  readonly #monitors = new Map<string, HealthMonitor>();
  /** Of containers that aren't watched now. */
  readonly #resting = new Map<string, HealthState>();

  constructor(deps: HealthChecksDeps) {
    this.#deps = deps;
  }

  /** The health of a container that has a health check and was started once. */
  stateOf({ id }: Pick<Container, "id">): HealthState | undefined {
    return this.#monitors.get(id)?.state ?? this.#resting.get(id);
  }

  /** It has been started: its state says when. */
  begin(container: Container): void {
    if (healthPlan(container.record.config) === undefined) return;
    const health = freshHealth(this.stateOf(container));
    this.#keep(container, health);
    this.#watch(container, health);
  }

  /** A former engine had it: takes up where that one was. */
  async restore(container: Container): Promise<void> {
    if (healthPlan(container.record.config) === undefined) return;
    const former = await this.#deps.store.load(container.id);
    if (isLive(container.state)) this.#watch(container, former ?? freshHealth());
    else if (former !== undefined) this.#resting.set(container.id, { ...former, status: "unhealthy" });
  }

  /** It is frozen, or about to be stopped: it isn't probed and its health stays. Never rejects. */
  async pause({ id }: Pick<Container, "id">): Promise<void> {
    await this.#monitors.get(id)?.pause();
  }

  /** It goes on. */
  resume({ id }: Pick<Container, "id">): void {
    this.#monitors.get(id)?.resume();
  }

  /** It has ended, which is unhealthy, as in Docker. Resolves when its last probe is gone. Never rejects. */
  async end(container: Container): Promise<void> {
    const monitor = this.#monitors.get(container.id);
    if (monitor === undefined) return;
    this.#monitors.delete(container.id);
    this.#keep(container, { ...monitor.state, status: "unhealthy" });
    await monitor.pause();
  }

  /** It is about to be removed with its folder. Never rejects. */
  async forget(container: Container): Promise<void> {
    await this.end(container);
    this.#resting.delete(container.id);
    await this.#deps.store.settled(container.id);
  }

  /** Ends all watching; healths stay for the next engine. */
  async [Symbol.asyncDispose](): Promise<void> {
    const monitors = [...this.#monitors];
    this.#monitors.clear();
    await Promise.all(monitors.map(([, monitor]) => monitor.pause()));
    await Promise.all(monitors.map(([id]) => this.#deps.store.settled(id)));
  }

  #watch(container: Container, state: HealthState): void {
    const { clock, probeOf } = this.#deps;
    const { id, record } = container;
    const plan = healthPlan(record.config);
    if (plan === undefined || !isLive(container.state)) return;
    const monitor = new HealthMonitor({
      plan,
      state,
      clock,
      startedMs: container.state.startedMs,
      probe: probeOf(container, plan.command),
      onResult: (now, before) => this.#onResult(container, now, before),
    });
    void this.#monitors.get(id)?.pause();
    this.#resting.delete(id);
    this.#monitors.set(id, monitor);
    if (!container.isPaused) monitor.resume();
  }

  #onResult(container: Container, now: HealthState, before: HealthState): void {
    const { store, events, hooks, actions, log } = this.#deps;
    // Told first: the next engine goes by what is stored, and tells of a change only.
    if (now.status !== before.status) events.emit(container, "health_status", { detail: now.status });
    store.save(container.id, now);
    if (now.status === before.status) return;
    const { status, failingStreak } = now;
    hooks.callParallel("health.changed", () => ({
      ...containerContext(container),
      ...{ status, before: before.status, failingStreak },
    }));
    const action = healthAction(container.record.hostConfig);
    if (now.status !== "unhealthy" || action === "none") return;
    const details = { container: container.id, action };
    log.info("a container is unhealthy", details);
    actions[action](container.id).catch((thrown) => {
      log.error("acting on an unhealthy container failed", { ...details, error: toTsdError(thrown).message });
    });
  }

  #keep({ id }: Container, state: HealthState): void {
    this.#resting.set(id, state);
    this.#deps.store.save(id, state);
  }
}
