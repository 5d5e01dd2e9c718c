/**
 * @module
 * Information about the engine and the host: `docker version` and `docker info`.
 */
import type { SystemInfo, Version } from "../../api_types/mod.ts";
import type { BuildInfo } from "../../build_info.ts";
import { isTsdError, TsdError } from "../../errors.ts";
import type { StatusReporter } from "../../store/driver.ts";
import { formatUnusedLayers, type LayerStorage } from "../../store/drivers.ts";
import { hashEngineName } from "../../hash/mod.ts";
import { hostPlatform } from "../../image/platform.ts";
import type { RegistrySettings } from "../../image/registry/mod.ts";
import type { HookBus } from "../../plugins/mod.ts";
import type { OciRuntime } from "../../runtime/oci_runtime.ts";
import type { CgroupFeature, HostInfo } from "../../runtime/spec/mod.ts";
import type { ContainerStatus } from "../model/container.ts";
import { pluginWarnings } from "./plugin_warnings.ts";
import { registryConfig } from "./registry_config.ts";
import { findInitProgram } from "../containers/init_program.ts";
import type { ContainerTable } from "../model/container_table.ts";
import type { EventBus } from "../events/event_bus.ts";
import type { ImageCatalog } from "../images/image_catalog.ts";
import { maskedProxy, type Proxies } from "../config/proxies.ts";
import type { EnginePaths } from "../paths.ts";
import { type Runtimes, STOCK_RUNTIME } from "../containers/runtimes.ts";

export interface SystemServiceDeps {
  readonly build: BuildInfo;
  readonly runtimes: Pick<Runtimes, "named" | "programs" | "defaultName">;
  readonly info: HostInfo;
  readonly table: ContainerTable;
  readonly images: ImageCatalog;
  readonly paths: EnginePaths;
  readonly storage: Pick<LayerStorage, "driver" | "passedOver" | "unused">;
  readonly layers: Partial<StatusReporter>;
  readonly events: Pick<EventBus, "listenerCount">;
  readonly registries: Pick<RegistrySettings, "insecureRegistries" | "mirrors">;
  readonly proxies: Proxies;
  readonly plugins: Pick<HookBus, "list">;
}

/** Docker's address of its registry index, which is the key of the client's credentials. */
const INDEX_SERVER_ADDRESS = "https://index.docker.io/v1/";

type RuntimeVersion = Awaited<ReturnType<OciRuntime["version"]>>;

/** Collects information about the engine and the host. */
export class SystemService {
  readonly #deps: SystemServiceDeps;
  #cachedVersion: RuntimeVersion | undefined;

  constructor(deps: SystemServiceDeps) {
    this.#deps = deps;
  }

  async version(apiVersion: string, minApiVersion: string): Promise<Version> {
    const { build, info: details } = this.#deps;
    const { architecture, os } = hostPlatform();
    const runtime = await this.#runtimeVersion();
    return {
      Platform: { Name: "tsd" },
      Components: [
        {
          Name: "Engine",
          Version: build.version,
          Details: {
            ApiVersion: apiVersion,
            MinAPIVersion: minApiVersion,
            GitCommit: build.gitCommit,
            Form: build.form,
            HashEngine: hashEngineName(),
            Os: os,
            Arch: architecture,
            KernelVersion: details.kernel,
          },
        },
        { Name: "deno", Version: Deno.version.deno, Details: { V8: Deno.version.v8 } },
        ...(runtime === undefined ? [] : [{ Name: runtime.name, Version: runtime.version }]),
      ],
      Version: build.version,
      ApiVersion: apiVersion,
      MinAPIVersion: minApiVersion,
      GitCommit: build.gitCommit,
      GoVersion: "",
      Os: os,
      Arch: architecture,
      KernelVersion: details.kernel,
      ...(build.commitTime === "" ? {} : { BuildTime: build.commitTime }),
    };
  }

  async info(): Promise<SystemInfo> {
    const { build, info: details, table, images, paths, storage, layers } = this.#deps;
    const containers = table.list();
    const count = (status: ContainerStatus) => containers.filter(({ state }) => state.status === status).length;
    const [running, paused] = [count("running"), count("paused")];
    const has = (feature: CgroupFeature) => details.cgroupFeatures.has(feature);
    const runtime = await this.#runtimeVersion();
    return {
      ...await hostFields(details),
      ID: paths.engineId || "tsd",
      Containers: containers.length,
      ContainersRunning: running,
      ContainersPaused: paused,
      ContainersStopped: containers.length - running - paused,
      Images: (await images.list()).length,
      Driver: storage.driver,
      DriverStatus: await driverStatus(storage, layers),
      Plugins: { Volume: ["local"], Network: ["host", "null"], Authorization: null, Log: ["json-file", "none"] },
      MemoryLimit: has("memory"),
      SwapLimit: has("swap"),
      CpuCfsPeriod: has("cpuQuota"),
      CpuCfsQuota: has("cpuQuota"),
      CPUShares: has("cpuShares"),
      CPUSet: has("cpuset"),
      PidsLimit: has("pids"),
      OomKillDisable: has("oomKillDisable"),
      Debug: false,
      NFd: 0,
      NGoroutines: 0,
      NEventsListener: this.#deps.events.listenerCount,
      LoggingDriver: "json-file",
      CgroupDriver: "cgroupfs",
      CgroupVersion: details.cgroupVersion === 1 ? "1" : "2",
      IndexServerAddress: INDEX_SERVER_ADDRESS,
      RegistryConfig: registryConfig(this.#deps.registries),
      HttpProxy: maskedProxy(this.#deps.proxies.http),
      HttpsProxy: maskedProxy(this.#deps.proxies.https),
      NoProxy: this.#deps.proxies.none,
      DockerRootDir: paths.dataRoot,
      ServerVersion: build.version,
      Runtimes: shownRuntimes(this.#deps.runtimes.programs),
      DefaultRuntime: this.#deps.runtimes.defaultName,
      LiveRestoreEnabled: true,
      InitBinary: await findInitProgram() ?? "",
      ContainerdCommit: { ID: "" },
      RuncCommit: { ID: runtime?.version ?? "" },
      InitCommit: { ID: "" },
      SecurityOptions: details.seccomp ? ["name=seccomp,profile=builtin"] : [],
      Warnings: [
        ...runtime === undefined ? ["WARNING: runc is missing: containers can't be started"] : [],
        ...pluginWarnings(this.#deps.plugins.list()),
      ],
    };
  }

  /** Returns the version of runc, undefined if it is missing. Cached, since it costs a process. */
  async #runtimeVersion(): Promise<RuntimeVersion | undefined> {
    try {
      return this.#cachedVersion ??= await this.#deps.runtimes.named(STOCK_RUNTIME)?.version();
    } catch (thrown) {
      if (thrown instanceof TsdError && thrown.code === "runtime_missing") return undefined;
      throw thrown;
    }
  }
}

/** Formats the runtimes as Docker does: program and arguments by name. */
function shownRuntimes(programs: Runtimes["programs"]): NonNullable<SystemInfo["Runtimes"]> {
  return Object.fromEntries(
    Object.entries(programs).map(([name, { path, args }]) => [
      name,
      args.length === 0 ? { path } : { path, runtimeArgs: args },
    ]),
  );
}

/** Returns the fields of `info` that describe the host only. */
async function hostFields(details: HostInfo) {
  return {
    SystemTime: new Date().toISOString(),
    KernelVersion: details.kernel,
    OperatingSystem: osName(await Deno.readTextFile("/etc/os-release").catch(() => "")),
    OSVersion: "",
    OSType: "linux",
    Architecture: details.arch,
    NCPU: details.cpuCount,
    MemTotal: Deno.systemMemoryInfo().total,
    IPv4Forwarding: true,
    GenericResources: null,
    Name: Deno.hostname(),
    Labels: [],
    ExperimentalBuild: false,
    Swarm: {
      NodeID: "",
      NodeAddr: "",
      LocalNodeState: "inactive",
      ControlAvailable: false,
      Error: "",
      RemoteManagers: null,
    },
    Isolation: "",
    CDISpecDirs: [],
  } as const;
}

function osName(osRelease: string): string {
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? "Linux";
}

/** Returns the rows that `docker info` shows below the storage driver. */
async function driverStatus(
  { passedOver, unused = [] }: Pick<LayerStorage, "passedOver" | "unused">,
  layers: Partial<StatusReporter>,
): Promise<[string, string][]> {
  const rows: [string, string][] = [["Hash engine", hashEngineName()]];
  for (const [name, value] of await storeStatus(layers)) rows.push([name, value]);
  if (passedOver !== undefined) rows.push(["Passed over", `${passedOver.driver}: ${passedOver.why}`]);
  for (const each of unused) rows.push(["Unused", formatUnusedLayers(each)]);
  return rows;
}

/** Returns the store's status. An error, such as a full disk, is shown in its place. */
async function storeStatus(layers: Partial<StatusReporter>): ReturnType<StatusReporter["status"]> {
  try {
    return await layers.status?.() ?? [];
  } catch (thrown) {
    if (!isTsdError(thrown, "storage", "storage_full")) throw thrown;
    return [["Layers", thrown.message]];
  }
}
