/**
 * @module
 * `docker update`: changes limits, the restart policy and the published ports of a container. They are recorded for its
 * next start, and take effect at once if it is running.
 */
import type { ContainerConfig, ContainerUpdateResponse, HostConfig } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import { type ChangedPublishing, changedPublishing, type PortUpdate } from "../../network/port_changes.ts";
import type { OciRuntime } from "../../runtime/oci_runtime.ts";
import { changedLimits, type HostInfo, usableLimits, validateLimits } from "../../runtime/spec/mod.ts";
import type { Recording } from "../../store/event_records.ts";
import type { ContainerEvents } from "../events/container_events.ts";
import type { EventIntent } from "../events/event_bus.ts";
import type { KeyedLock } from "../../async/keyed_lock.ts";
import type { ContainerNetworks } from "../networks/container_networks.ts";
import { hasBridge, networkKind } from "../model/network_mode.ts";
import type { PublishedPorts } from "../networks/published_ports.ts";
import type { Container, ContainerRecord } from "../model/container.ts";
import type { ContainerTable } from "../model/container_table.ts";
import { resources } from "./container_spec.ts";
import type { ChangedLimits, UpdateRequest } from "../model/update_request.ts";

export interface ContainerUpdaterDeps {
  readonly table: Pick<ContainerTable, "find" | "setConfig">;
  /** One lock for each container, by id; shared with start and removal. */
  readonly locks: KeyedLock;
  readonly runtimes: { of(container: Container): Pick<OciRuntime, "update"> };
  readonly networks: Pick<ContainerNetworks, "endpointsOf"> & { readonly published: Pick<PublishedPorts, "change"> };
  readonly info: HostInfo;
  readonly events: ContainerEvents;
}

/** Updates containers. */
export class ContainerUpdater {
  readonly #deps: ContainerUpdaterDeps;

  constructor(deps: ContainerUpdaterDeps) {
    this.#deps = deps;
  }

  /** Updates a container atomically. @throws {TsdError} container_not_found, invalid_argument, conflict, runtime_* */
  async update(nameOrId: string, request: UpdateRequest): Promise<ContainerUpdateResponse> {
    const { table, locks, info, events } = this.#deps;
    // Errors that don't depend on the container come first, as in Docker.
    validateLimits(resources(request.limits), info, { isChange: true });
    const { warnings } = usableLimits(resources(request.limits), info.cgroupFeatures);
    const { id } = table.find(nameOrId);
    await locks.run(id, async () => {
      // Another request may have removed it while this one waited for the lock.
      const container = table.find(id);
      let intent: EventIntent | undefined;
      const recording: Recording = (trace) => intent = events.intend(container, "update", trace);
      await this.#apply(container, request, recording).catch((thrown) => {
        intent?.drop();
        throw thrown;
      });
      intent?.publish();
    });
    return { Warnings: warnings };
  }

  async #apply(
    container: Container,
    { limits, restartPolicy, ports }: UpdateRequest,
    recording: Recording,
  ): Promise<void> {
    const { table, runtimes, networks, info } = this.#deps;
    const before = container.record;
    const limited = merged(container.id, before.hostConfig, { limits, restartPolicy });
    validateLimits(resources(limited), info);
    const publishing = ports && this.#publishing(container, ports);
    table.setConfig(container, withPorts({ config: before.config, hostConfig: limited }, publishing), recording);
    if (!container.isRunning) return;
    await using undo = new AsyncDisposableStack();
    undo.defer(() => table.setConfig(container, before));
    try {
      await using changing = publishing && await networks.published.change(container, publishing);
      if (Object.keys(limits).length > 0) {
        const usable = usableLimits(resources(limited), info.cgroupFeatures).limits;
        await runtimes.of(container).update(container.id, changedLimits(usable, resources(limits)));
      }
      // Last, because published ports must not close, not even briefly, if another part of the request is refused.
      await changing?.settle();
      undo.move();
    } catch (thrown) {
      throw thrown instanceof TsdError ? refused(container.id, thrown) : thrown;
    }
  }

  /** Prepares the change of published ports. @throws {TsdError} invalid_argument, conflict, port_in_use */
  #publishing(container: Container, ports: PortUpdate): ChangedPublishing {
    const { record: { config, hostConfig }, id, isRunning } = container;
    if (!hasBridge(networkKind(hostConfig))) {
      const why = `it has no ports of its own, as its network is ${hostConfig.NetworkMode}`;
      throw refused(id, new TsdError("conflict", why));
    }
    const published = isRunning ? this.#deps.networks.endpointsOf(container).sandbox?.ports ?? [] : undefined;
    const before = {
      bindings: hostConfig.PortBindings,
      publishAll: hostConfig.PublishAllPorts ?? false,
      exposed: Object.keys(config.ExposedPorts ?? {}),
    };
    try {
      return changedPublishing(before, published, ports);
    } catch (thrown) {
      throw thrown instanceof TsdError ? refused(id, thrown) : thrown;
    }
  }
}

/** Returns the configuration with the changed ports. */
function withPorts(
  { config, hostConfig }: Pick<ContainerRecord, "config" | "hostConfig">,
  publishing: ChangedPublishing | undefined,
): { readonly config: ContainerConfig; readonly hostConfig: HostConfig } {
  if (publishing === undefined) return { config, hostConfig };
  const { bindings = {}, publishAll, exposed } = publishing;
  return {
    config: { ...config, ExposedPorts: Object.fromEntries(exposed.map((name) => [name, {}])) },
    hostConfig: { ...hostConfig, PortBindings: bindings, PublishAllPorts: publishAll },
  };
}

/** Options that exclude each other: the one that was set first stays. */
const EXCLUSIVE: readonly (readonly [keyof ChangedLimits, keyof ChangedLimits, string])[] = [
  ["NanoCpus", "CpuPeriod", "Nano CPUs cannot be updated as CPU Period has already been set"],
  ["NanoCpus", "CpuQuota", "Nano CPUs cannot be updated as CPU Quota has already been set"],
  ["CpuPeriod", "NanoCpus", "CPU Period cannot be updated as NanoCPUs has already been set"],
  ["CpuQuota", "NanoCpus", "CPU Quota cannot be updated as NanoCPUs has already been set"],
];

function merged(id: string, before: HostConfig, { limits, restartPolicy }: UpdateRequest): HostConfig {
  const conflict = (why: string) => refused(id, new TsdError("conflict", why));
  const isSet = (host: ChangedLimits, field: keyof ChangedLimits) => Number(host[field] ?? 0) > 0;
  const clash = EXCLUSIVE.find(([now, already]) => isSet(limits, now) && isSet(before, already));
  if (clash !== undefined) throw conflict(`Conflicting options: ${clash[2]}`);
  const { MemorySwap: swap = 0 } = before;
  const { Memory: memory = 0, MemorySwap: newSwap = 0 } = limits;
  // Unlimited swap is never less than the memory limit, which Docker overlooks.
  if (memory > swap && newSwap === 0 && swap !== -1) {
    throw conflict(
      "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
    );
  }
  if (restartPolicy !== undefined && restartPolicy.Name !== "no" && before.AutoRemove) {
    throw conflict("Restart policy cannot be updated because AutoRemove is enabled for the container");
  }
  return { ...before, ...limits, ...(restartPolicy && { RestartPolicy: restartPolicy }) };
}

function refused(id: string, error: TsdError): TsdError {
  return new TsdError(error.code, `Cannot update container ${id}: ${error.message}`, { cause: error });
}
