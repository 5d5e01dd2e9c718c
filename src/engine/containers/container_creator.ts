/**
 * @module
 * Makes containers: checks everything that can be checked without a root file system, records the container, and gives
 * it its folder and writable layer. It starts nothing.
 */
import type { ContainerConfig, ContainerCreateResponse, HostConfig } from "../../api/wire/mod.ts";
import { isTsdError } from "../../errors.ts";
import { parsePlatform } from "../../image/platform.ts";
import { etcFiles } from "../../network/etc_files.ts";
import { wantedPorts } from "../../network/port.ts";
import type { ContainerContext, HookBus } from "../../plugins/mod.ts";
import { cgroupsPath, generateSpec, type HostFacts } from "../../runtime/spec/mod.ts";
import type { Snapshotter } from "../../store/ports.ts";
import type { ContainerEvents } from "../events/container_events.ts";
import { checkHealthAction } from "../health/health_config.ts";
import type { ImageCatalog } from "../images/image_catalog.ts";
import type { ImageUses } from "../images/image_uses.ts";
import type { ContainerVolumes } from "../volumes/container_volumes.ts";
import type { KeyedLock } from "../keyed_lock.ts";
import type { Runtimes } from "../runtimes.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";
import { Stopwatch } from "../stopwatch.ts";
import type { Container } from "./container.ts";
import type { ContainerTable } from "./container_table.ts";
import type { CreateRequest } from "./create_request.ts";
import { withHostDefaults } from "./host_defaults.ts";
import { initProgram } from "./init_program.ts";
import type { NamespaceJoiner } from "./joined_namespaces.ts";
import { requireSources } from "./mount_sources.ts";
import { friendlyName, parseContainerName, randomId } from "./names.ts";
import { networkWarnings } from "../networks/network_mode.ts";
import { defaultHostname, etcSettings, mergeConfig, specSettings } from "./settings.ts";

export interface ContainerCreatorDeps {
  readonly table: ContainerTable;
  readonly images: ImageCatalog;
  readonly imageUses: ImageUses;
  readonly snapshots: Snapshotter;
  readonly paths: EnginePaths;
  readonly facts: HostFacts;
  readonly runtimes: Pick<Runtimes, "choose">;
  readonly namespaces: Pick<NamespaceJoiner, "byId" | "networkOwner">;
  readonly hooks: HookBus;
  readonly events: ContainerEvents;
  /** By container id; shared with whoever starts and removes containers. */
  readonly locks: KeyedLock;
  readonly volumes: Pick<ContainerVolumes, "plan" | "make" | "fill">;
}

/** See the module's comment. */
export class ContainerCreator {
  readonly #deps: ContainerCreatorDeps;

  constructor(deps: ContainerCreatorDeps) {
    this.#deps = deps;
  }

  /** @throws {TsdError} invalid_argument, not_implemented, image_not_found, name_in_use, storage */
  async create(
    name: string | undefined,
    { config, hostConfig: asked, networks }: CreateRequest,
    platform?: string,
  ): Promise<ContainerCreateResponse> {
    const { table, images, imageUses, facts, runtimes, namespaces, hooks, locks, events } = this.#deps;
    const watch = new Stopwatch();
    const given = name === undefined ? undefined : parseContainerName(name);
    const imageName = config.Image ?? "";
    const image = await images.resolve(imageName, platform === undefined ? undefined : parsePlatform(platform));
    await using held = imageUses.hold(image.record, imageName);
    const id = randomId();
    const hostConfig = withHostDefaults({ ...namespaces.byId(asked), Runtime: runtimes.choose(asked) }, facts);
    const merged = mergeConfig(image.config, config, defaultHostname(hostConfig, id, this.#networkOwner(hostConfig)));
    // Everything that can be wrong without a root file system is said now and not at the start.
    const { warnings } = generateSpec({
      ...specSettings(merged, hostConfig, facts),
      containerId: id,
      rootPath: "/",
      user: { uid: 0, gid: 0, additionalGids: [] },
      ...await initProgram(hostConfig),
      cgroupsPath: cgroupsPath(id),
    });
    const anyNetwork = { addresses: [], hostGateway: "0.0.0.0" };
    etcFiles({ ...etcSettings(merged, hostConfig, anyNetwork), hostHosts: "", hostResolvConf: "" });
    wantedPorts({
      bindings: hostConfig.PortBindings,
      exposed: Object.keys(merged.ExposedPorts ?? {}),
      publishAll: true,
    });
    checkHealthAction(merged, hostConfig);
    const plan = this.#deps.volumes.plan(merged, hostConfig);
    await requireSources(plan);
    const named = given ?? friendlyName((taken) => table.hasName(taken));
    await hooks.ask("container.validate", () => contextOf(id, named, image.record.id, imageName, merged));
    watch.lap("check");
    await using ready = await this.#deps.volumes.make(plan);
    watch.lap("volumes");
    held.require();
    const container = table.insert(id, named, {
      imageName,
      imageId: image.record.id,
      layers: image.record.layers,
      config: merged,
      hostConfig,
      mounts: ready.mounts,
      platform: "linux",
      ...networks !== undefined && { networks },
    });
    watch.lap("record");
    // It can be seen from now on; whoever wants to start it waits until it is complete.
    await locks.run(id, () => this.#furnish(container));
    ready.keep();
    watch.lap("layer");
    events.tell(container, "create");
    return { Id: id, Warnings: [...warnings, ...networkWarnings(hostConfig)] };
  }

  /** Where it has another container's network. One that isn't there is told at the start, as in Docker. */
  #networkOwner(hostConfig: HostConfig): ContainerConfig | undefined {
    try {
      return this.#deps.namespaces.networkOwner(hostConfig)?.record.config;
    } catch (thrown) {
      if (isTsdError(thrown, "container_not_found", "ambiguous_id")) return undefined;
      throw thrown;
    }
  }

  /** Gives a new container its folder and its writable layer, or takes it back. */
  async #furnish(container: Container): Promise<void> {
    const { table, snapshots, paths } = this.#deps;
    await using undo = new AsyncDisposableStack();
    undo.defer(() => table.remove(container));
    const { home } = containerPaths(paths, container.id);
    await Deno.mkdir(home, { recursive: true, mode: 0o710 });
    undo.defer(() => Deno.remove(home, { recursive: true }));
    await snapshots.prepare(container.record.layers, container.id);
    undo.defer(() => snapshots.remove(container.id));
    await this.#deps.volumes.fill(container);
    undo.move();
  }
}

function contextOf(
  id: string,
  name: string,
  imageId: string,
  image: string,
  { Labels: labels }: ContainerConfig,
): ContainerContext {
  return { id, name, image, imageId, labels: { ...labels } };
}

/** A container as plugins see it. */
export const containerContext = ({ id, name, record }: Container): ContainerContext =>
  contextOf(id, name, record.imageId, record.imageName, record.config);
