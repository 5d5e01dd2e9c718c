/**
 * @module
 * The engine's configuration file, `/etc/tsd/config.json`. Fields that Docker has are called as in its `daemon.json`. A
 * mistake is one line that names the file, the field and what is wrong; an unknown field is a mistake.
 */
import { toTsdError, TsdError } from "../../errors.ts";
import { HASH_ENGINES, type HashEngine } from "../../hash/mod.ts";
import { STOCK_RUNTIME } from "../containers/runtimes.ts";
import { type CertificateFiles, NO_SETTINGS, type RegistrySettings } from "../../image/registry/mod.ts";
import { BUILT_IN_CONFIGS, DEFAULT_HOOK_DIRS, NO_PLUGIN_SETTINGS, type PluginSettings } from "../../plugins/mod.ts";
import { STORAGE_DRIVERS, type StorageDriver } from "../../store/drivers.ts";
import {
  anything,
  bindAddress,
  count,
  filePath,
  type Infer,
  insecureRegistry,
  listOf,
  mapOf,
  mirrorOrigin,
  object,
  oneOf,
  pluginName,
  program,
  proxyUrl,
  type Refuse,
  registryHost,
  runtimeName,
  text,
} from "./fields.ts";

export const DEFAULT_CONFIG_FILE = "/etc/tsd/config.json";
/** Where certificates of single registries lie; Docker's folder counts too. */
const CERTIFICATE_DIRS = ["/etc/tsd/certs.d", "/etc/docker/certs.d"];
const DOCKER_HUB = "docker.io";

/** Every field of the file. */
const FILE = object({
  "registry-mirrors": listOf(mirrorOrigin),
  "mirrors": mapOf(registryHost, listOf(mirrorOrigin)),
  "insecure-registries": listOf(insecureRegistry),
  "registries": mapOf(registryHost, object({ ca: filePath, cert: filePath, key: filePath })),
  "proxies": object({ "http-proxy": proxyUrl, "https-proxy": proxyUrl, "no-proxy": text }),
  "max-concurrent-downloads": count,
  "max-download-attempts": count,
  "storage-driver": oneOf(STORAGE_DRIVERS),
  "hash": object({ engine: oneOf(HASH_ENGINES) }),
  "runtimes": mapOf(runtimeName, object({ path: program, runtimeArgs: listOf(text) })),
  "default-runtime": text,
  "default-bind": bindAddress,
  "hooksDirs": listOf(filePath),
  "plugins": mapOf(pluginName, anything),
});

/** Proxies; what isn't said here is as the environment has it. */
export interface ProxyConfig {
  readonly http?: string | undefined;
  readonly https?: string | undefined;
  readonly none?: string | undefined;
}

/** What the file says. */
export interface EngineConfig {
  readonly registries: RegistrySettings;
  readonly proxies: ProxyConfig;
  /** Most layers that come in at once. */
  readonly maxDownloads?: number | undefined;
  readonly storageDriver?: StorageDriver | undefined;
  /** What content is hashed with. */
  readonly hashEngine?: HashEngine | undefined;
  /** OCI runtimes besides runc, by name. */
  readonly runtimes: Readonly<Record<string, ConfiguredRuntime>>;
  /** Of containers that name none. */
  readonly defaultRuntime: string;
  /** The address that ports without one are published on; empty for everywhere. */
  readonly defaultBind: string;
  /** Where the machine's hooks for the runtime lie; later folders go before earlier ones. */
  readonly hookDirs: readonly string[];
  readonly plugins: PluginSettings;
}

/** A program that is called as runc is. */
export interface ConfiguredRuntime {
  /** Absolute, or a name that is looked up. */
  readonly program: string;
  /** Come before its command. */
  readonly args: readonly string[];
}

/** Of an engine without a file. */
export const DEFAULT_CONFIG: EngineConfig = {
  registries: { ...NO_SETTINGS, certificateDirs: CERTIFICATE_DIRS },
  proxies: {},
  runtimes: {},
  defaultRuntime: STOCK_RUNTIME,
  defaultBind: "",
  hookDirs: DEFAULT_HOOK_DIRS,
  plugins: NO_PLUGIN_SETTINGS,
};

/**
 * Reads the file. The default one need not be there.
 * @throws {TsdError} invalid_argument, in one line
 */
export async function readEngineConfig(path: string | undefined): Promise<EngineConfig> {
  const file = path ?? DEFAULT_CONFIG_FILE;
  let content: string;
  try {
    content = await Deno.readTextFile(file);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound && path === undefined) return DEFAULT_CONFIG;
    throw unusable(file, thrown instanceof Deno.errors.NotFound ? "no such file" : String(thrown));
  }
  return parseEngineConfig(content, file);
}

/** Why an engine would not start with the file as it is now; undefined when it would. */
export async function configTrouble(path: string | undefined): Promise<string | undefined> {
  try {
    await readEngineConfig(path);
    return undefined;
  } catch (thrown) {
    return toTsdError(thrown).message;
  }
}

/** What a file with this text says; `file` is for messages. */
export function parseEngineConfig(content: string, file: string): EngineConfig {
  const refuse = (field: string, why: string): never => {
    throw unusable(file, field === "" ? why : `${field}: ${why}`);
  };
  const said = FILE(parseJson(content, file), "", refuse);
  return configOf(said, refuse);
}

function configOf(said: Infer<typeof FILE>, refuse: (field: string, why: string) => never): EngineConfig {
  const certificates: Record<string, CertificateFiles> = said.registries ?? {};
  for (const [host, { cert, key }] of Object.entries(certificates)) {
    if ((cert === undefined) !== (key === undefined)) refuse(`registries.${host}`, '"cert" and "key" go together');
  }
  const hub = [...said["registry-mirrors"] ?? [], ...said.mirrors?.[DOCKER_HUB] ?? []];
  const attempts = said["max-download-attempts"];
  const proxies = said.proxies ?? {};
  return {
    registries: {
      insecureRegistries: said["insecure-registries"] ?? [],
      mirrors: { ...said.mirrors, ...(hub.length === 0 ? {} : { [DOCKER_HUB]: hub }) },
      certificates,
      certificateDirs: CERTIFICATE_DIRS,
      limits: attempts === undefined ? {} : { attempts },
    },
    proxies: { http: proxies["http-proxy"], https: proxies["https-proxy"], none: proxies["no-proxy"] },
    maxDownloads: said["max-concurrent-downloads"],
    storageDriver: said["storage-driver"],
    hashEngine: said.hash?.engine,
    defaultBind: said["default-bind"] ?? "",
    hookDirs: said.hooksDirs ?? DEFAULT_HOOK_DIRS,
    plugins: pluginsOf(said.plugins ?? {}, refuse),
    ...runtimesOf(said, refuse),
  };
}

function runtimesOf(
  said: Infer<typeof FILE>,
  refuse: (field: string, why: string) => never,
): Pick<EngineConfig, "runtimes" | "defaultRuntime"> {
  const runtimes: Record<string, ConfiguredRuntime> = {};
  for (const [name, { path, runtimeArgs: args = [] }] of Object.entries(said.runtimes ?? {})) {
    if (name === STOCK_RUNTIME) refuse("runtimes", `runtime name '${name}' is reserved`);
    runtimes[name] = { program: path ?? refuse(`runtimes.${name}`, "a path must be configured"), args };
  }
  const defaultRuntime = said["default-runtime"] ?? STOCK_RUNTIME;
  if (defaultRuntime !== STOCK_RUNTIME && runtimes[defaultRuntime] === undefined) {
    refuse("default-runtime", `specified default runtime '${defaultRuntime}' does not exist`);
  }
  return { runtimes, defaultRuntime };
}

/** Those of built-in ones are checked here; whoever loads the others checks theirs. */
function pluginsOf(said: Readonly<Record<string, unknown>>, refuse: Refuse): PluginSettings {
  const { webhook, metrics, ...others } = said;
  const checked = <T>(name: keyof typeof BUILT_IN_CONFIGS, parse: (given: unknown) => T, given: unknown): T => {
    try {
      return parse(given);
    } catch (thrown) {
      return refuse(`plugins.${name}`, toTsdError(thrown).message);
    }
  };
  return {
    ...webhook !== undefined && { webhook: checked("webhook", BUILT_IN_CONFIGS.webhook, webhook) },
    ...metrics !== undefined && { metrics: checked("metrics", BUILT_IN_CONFIGS.metrics, metrics) },
    others,
  };
}

function parseJson(content: string, file: string): unknown {
  try {
    return JSON.parse(content);
  } catch (thrown) {
    // V8's words quote the file, which may hold a proxy's password.
    if (thrown instanceof SyntaxError) throw unusable(file, "it is not JSON");
    throw thrown;
  }
}

const unusable = (file: string, why: string): TsdError =>
  new TsdError("invalid_argument", `Cannot use configuration file ${file}: ${why.replace(/\s+/g, " ")}`);
