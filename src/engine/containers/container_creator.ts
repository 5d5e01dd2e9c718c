/**
 * @module
 * Creates containers: validates everything that can be validated without a root filesystem, records the container, and
 * provides its directory and writable layer. It starts nothing.
 */
import type { ContainerConfig, ContainerCreateResponse, HostConfig } from "../../api_types/mod.ts";
import { isTsdError, prefixed } from "../../errors.ts";
import type { ImageConfig } from "../../image/config.ts";
import { parsePlatform } from "../../image/platform.ts";
import { etcFiles } from "../../network/etc_files.ts";
import { requestedPorts } from "../../network/port.ts";
import type { Adjusted, HookBus } from "../../plugins/mod.ts";
import { cgroupsPath, generateSpec, type HostInfo } from "../../runtime/spec/mod.ts";
import type { Snapshotter } from "../../store/driver.ts";
import type { Recording } from "../../store/event_records.ts";
import type { ContainerEvents } from "../events/container_events.ts";
import type { EventIntent } from "../events/event_bus.ts";
import { checkHealthAction } from "../model/health_config.ts";
import type { ImageCatalog } from "../images/image_catalog.ts";
import type { ImageLeases } from "../images/image_leases.ts";
import type { ContainerVolumes } from "../volumes/container_volumes.ts";
import type { CopyUp } from "../volumes/copy_up.ts";
import type { KeyedLock } from "../../async/keyed_lock.ts";
import type { Runtimes } from "./runtimes.ts";
import { containerPaths, type EnginePaths } from "../paths.ts";
import { Stopwatch } from "../../async/stopwatch.ts";
import type { Container } from "../model/container.ts";
import { newContainerContext } from "../model/hook_payloads.ts";
import type { ContainerTable } from "../model/container_table.ts";
import type { CreateRequest } from "../model/create_request.ts";
import { withHostDefaults } from "./host_defaults.ts";
import { initProgram } from "./init_program.ts";
import type { NamespaceJoiner } from "./shared_namespaces.ts";
import { requireSources } from "./mount_sources.ts";
import { type PatchedRequest, patchedRequest } from "./plugin_patch.ts";
import { friendlyName, parseContainerName, randomId } from "../model/names.ts";
import { networkWarnings } from "../model/network_mode.ts";
import { defaultHostname, mergeConfig, specSettings } from "./container_spec.ts";
import { etcSettings } from "../networks/etc_settings.ts";

export interface ContainerCreatorDeps {
  readonly table: ContainerTable;
  readonly images: ImageCatalog;
  readonly imageLeases: ImageLeases;
  readonly snapshots: Snapshotter;
  readonly paths: EnginePaths;
  readonly info: HostInfo;
  readonly runtimes: Pick<Runtimes, "choose">;
  readonly namespaces: Pick<NamespaceJoiner, "byId" | "networkOwner">;
  readonly hooks: HookBus;
  readonly events: ContainerEvents;
  /** One lock for each container, by id; shared with start and removal. */
  readonly locks: KeyedLock;
  readonly volumes: Pick<ContainerVolumes, "plan" | "make">;
  readonly filling: Pick<CopyUp, "fill">;
}

/** A valid request, including the image's configuration and the plugins' patches. */
interface CheckedRequest extends PatchedRequest {
  readonly warnings: readonly string[];
  readonly plan: ReturnType<ContainerVolumes["plan"]>;
}

/** Creates containers. */
export class ContainerCreator {
  readonly #deps: ContainerCreatorDeps;

  constructor(deps: ContainerCreatorDeps) {
    this.#deps = deps;
  }

  /**
   * Creates a container from the body of a request.
   * @throws {TsdError} invalid_argument, not_implemented, image_not_found, name_in_use, storage, permission_denied,
   * conflict
   */
  async create(
    name: string | undefined,
    request: CreateRequest,
    platform?: string,
  ): Promise<ContainerCreateResponse> {
    const { table, images, imageLeases, hooks, locks, events } = this.#deps;
    const watch = new Stopwatch();
    const given = name === undefined ? undefined : parseContainerName(name);
    const imageName = request.config.Image ?? "";
    const image = await images.resolve(imageName, platform === undefined ? undefined : parsePlatform(platform));
    await using held = imageLeases.hold(image.record, imageName);
    const id = randomId();
    const known = { id, image: imageName, imageId: image.record.id };
    const requested = this.#merged(id, request, image.config);
    const adjusted = await hooks.callAdjust("container.create", () =>
      newContainerContext({
        ...known,
        ...{ name: given ?? "", config: requested.config, hostConfig: requested.hostConfig },
      }));
    const { config, hostConfig, networks, ociHooks, warnings, plan } = adjusted === undefined
      ? await this.#checked(id, requested)
      : await this.#adjusted(id, request, image.config, adjusted);
    const named = given ?? friendlyName((taken) => table.hasName(taken));
    await hooks.callSequential(
      "container.validate",
      () => newContainerContext({ ...known, name: named, config, hostConfig }),
    );
    watch.lap("check");
    await using ready = await this.#deps.volumes.make(plan, id);
    watch.lap("volumes");
    held.require();
    const record = {
      imageName,
      imageId: image.record.id,
      layers: image.record.layers,
      config,
      hostConfig,
      mounts: ready.mounts,
      platform: "linux",
      ...networks !== undefined && { networks },
      ...ociHooks !== undefined && { ociHooks },
    };
    let intent!: EventIntent;
    const recording = (made: Container): Recording => (trace) => intent = events.intend(made, "create", trace);
    const container = table.insert(id, named, record, recording);
    watch.lap("record");
    // It is visible from now on; a start waits for the lock until it is complete.
    await locks.run(id, () => this.#provision(container, intent));
    ready.keep();
    watch.lap("layer");
    return { Id: id, Warnings: [...warnings, ...networkWarnings(hostConfig)] };
  }

  /** Merges the request's configuration over the image's, and adds the defaults of the host and the engine. */
  #merged(id: string, request: PatchedRequest, image: ImageConfig): PatchedRequest {
    const { info, runtimes, namespaces } = this.#deps;
    const { hostConfig: requested } = request;
    const hostConfig = withHostDefaults({ ...namespaces.byId(requested), Runtime: runtimes.choose(requested) }, info);
    const hostname = defaultHostname(hostConfig, id, this.#networkOwner(hostConfig));
    return { ...request, config: mergeConfig(image, request.config, hostname), hostConfig };
  }

  /** Applies the patches of plugins. @throws {TsdError} for an invalid patch, with the plugins' names */
  async #adjusted(
    id: string,
    request: CreateRequest,
    image: ImageConfig,
    { plugins, patch }: Adjusted<"container.create">,
  ): Promise<CheckedRequest> {
    try {
      return await this.#checked(id, this.#merged(id, patchedRequest(request, patch), image));
    } catch (thrown) {
      throw prefixed(`With what ${plugins.length === 1 ? "plugin" : "plugins"} ${plugins.join(", ")} changed`, thrown);
    }
  }

  /**
   * Validates everything that does not need a root filesystem, so that errors appear at creation and not at the start.
   */
  async #checked(id: string, request: PatchedRequest): Promise<CheckedRequest> {
    const { config, hostConfig } = request;
    const { warnings } = generateSpec({
      ...specSettings(config, hostConfig, this.#deps.info),
      containerId: id,
      rootPath: "/",
      user: { uid: 0, gid: 0, additionalGids: [] },
      ...await initProgram(hostConfig),
      cgroupsPath: cgroupsPath(id),
    });
    const anyNetwork = { addresses: [], hostGateway: "0.0.0.0", nameServer: undefined };
    etcFiles({ ...etcSettings(config, hostConfig, anyNetwork), hostHosts: "", hostResolvConf: "" });
    requestedPorts({
      bindings: hostConfig.PortBindings,
      exposed: Object.keys(config.ExposedPorts ?? {}),
      publishAll: true,
    });
    checkHealthAction(config, hostConfig);
    const plan = this.#deps.volumes.plan(config, hostConfig);
    await requireSources(plan);
    return { ...request, warnings, plan };
  }

  /**
   * Returns the configuration of the container whose network it shares, if any. A missing one is reported at the start,
   * as in Docker.
   */
  #networkOwner(hostConfig: HostConfig): ContainerConfig | undefined {
    try {
      return this.#deps.namespaces.networkOwner(hostConfig)?.record.config;
    } catch (thrown) {
      if (isTsdError(thrown, "container_not_found", "ambiguous_id")) return undefined;
      throw thrown;
    }
  }

  /** Provides the directory and the writable layer of a new container, or removes the container if that fails. */
  async #provision(container: Container, intent: EventIntent): Promise<void> {
    const { table, snapshots, paths } = this.#deps;
    await using undo = new AsyncDisposableStack();
    undo.defer(() => {
      table.remove(container);
      intent.drop();
    });
    const { home } = containerPaths(paths, container.id);
    Deno.mkdirSync(home, { recursive: true, mode: 0o710 });
    undo.defer(() => Deno.remove(home, { recursive: true }));
    await snapshots.prepare(container.record.layers, container.id);
    undo.defer(() => snapshots.remove(container.id));
    await this.#deps.filling.fill(container);
    // The sync ran in the background: a container whose creation was reported survives a power cut.
    await table.synced();
    undo.move();
    intent.publish();
  }
}
