/**
 * @module
 * The engine's configuration file, `/etc/tsd/config.json`. Fields that Docker has are named as in its `daemon.json`. An
 * error is one line with the file, the field and the reason; unknown fields are errors.
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
/** Directories with the certificates of individual registries; Docker's directory is used too. */
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

/** Proxies. Absent ones are taken from the environment. */
export interface ProxyConfig {
  readonly http?: string | undefined;
  readonly https?: string | undefined;
  readonly none?: string | undefined;
}

/** The parsed configuration. */
export interface EngineConfig {
  readonly registries: RegistrySettings;
  readonly proxies: ProxyConfig;
  /** Maximum number of concurrent layer downloads. */
  readonly maxDownloads?: number | undefined;
  readonly storageDriver?: StorageDriver | undefined;
  /** The implementation of SHA-256. */
  readonly hashEngine?: HashEngine | undefined;
  /** OCI runtimes besides runc, by name. */
  readonly runtimes: Readonly<Record<string, ConfiguredRuntime>>;
  /** The runtime of containers that specify none. */
  readonly defaultRuntime: string;
  /** The host address of published ports that specify none; empty for all addresses. */
  readonly defaultBind: string;
  /** Directories with OCI hooks of the host; later directories take precedence. */
  readonly hookDirs: readonly string[];
  readonly plugins: PluginSettings;
}

/** A program with the command line of runc. */
export interface ConfiguredRuntime {
  /** Absolute path, or a name to look up. */
  readonly program: string;
  /** Global arguments, which precede the runtime's command. */
  readonly args: readonly string[];
}

/** The configuration of an engine without a file. */
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
 * Reads the configuration file.
 * @param path the file; undefined for the default one, which need not exist
 * @throws {TsdError} invalid_argument, with a message of one line
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

/** Returns why an engine would not start with the current file; undefined if it would. */
export async function configTrouble(path: string | undefined): Promise<string | undefined> {
  try {
    await readEngineConfig(path);
    return undefined;
  } catch (thrown) {
    return toTsdError(thrown).message;
  }
}

/** Parses a file's content. @param file the path, for error messages @throws {TsdError} invalid_argument */
export function parseEngineConfig(content: string, file: string): EngineConfig {
  const refuse = (field: string, why: string): never => {
    throw unusable(file, field === "" ? why : `${field}: ${why}`);
  };
  const fields = FILE(parseJson(content, file), "", refuse);
  return configOf(fields, refuse);
}

function configOf(fields: Infer<typeof FILE>, refuse: (field: string, why: string) => never): EngineConfig {
  const certificates: Record<string, CertificateFiles> = fields.registries ?? {};
  for (const [host, { cert, key }] of Object.entries(certificates)) {
    if ((cert === undefined) !== (key === undefined)) refuse(`registries.${host}`, '"cert" and "key" go together');
  }
  const hub = [...fields["registry-mirrors"] ?? [], ...fields.mirrors?.[DOCKER_HUB] ?? []];
  const attempts = fields["max-download-attempts"];
  const proxies = fields.proxies ?? {};
  return {
    registries: {
      insecureRegistries: fields["insecure-registries"] ?? [],
      mirrors: { ...fields.mirrors, ...(hub.length === 0 ? {} : { [DOCKER_HUB]: hub }) },
      certificates,
      certificateDirs: CERTIFICATE_DIRS,
      limits: attempts === undefined ? {} : { attempts },
    },
    proxies: { http: proxies["http-proxy"], https: proxies["https-proxy"], none: proxies["no-proxy"] },
    maxDownloads: fields["max-concurrent-downloads"],
    storageDriver: fields["storage-driver"],
    hashEngine: fields.hash?.engine,
    defaultBind: fields["default-bind"] ?? "",
    hookDirs: fields.hooksDirs ?? DEFAULT_HOOK_DIRS,
    plugins: pluginsOf(fields.plugins ?? {}, refuse),
    ...runtimesOf(fields, refuse),
  };
}

function runtimesOf(
  fields: Infer<typeof FILE>,
  refuse: (field: string, why: string) => never,
): Pick<EngineConfig, "runtimes" | "defaultRuntime"> {
  const runtimes: Record<string, ConfiguredRuntime> = {};
  for (const [name, { path, runtimeArgs: args = [] }] of Object.entries(fields.runtimes ?? {})) {
    if (name === STOCK_RUNTIME) refuse("runtimes", `runtime name '${name}' is reserved`);
    runtimes[name] = { program: path ?? refuse(`runtimes.${name}`, "a path must be configured"), args };
  }
  const defaultRuntime = fields["default-runtime"] ?? STOCK_RUNTIME;
  if (defaultRuntime !== STOCK_RUNTIME && runtimes[defaultRuntime] === undefined) {
    refuse("default-runtime", `specified default runtime '${defaultRuntime}' does not exist`);
  }
  return { runtimes, defaultRuntime };
}

/** Checks the settings of built-in plugins; those of others are checked when the plugins are loaded. */
function pluginsOf(fields: Readonly<Record<string, unknown>>, refuse: Refuse): PluginSettings {
  const { webhook, metrics, ...others } = fields;
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
    // V8's message quotes the file, which may contain a proxy's password.
    if (thrown instanceof SyntaxError) throw unusable(file, "it is not JSON");
    throw thrown;
  }
}

const unusable = (file: string, why: string): TsdError =>
  new TsdError("invalid_argument", `Cannot use configuration file ${file}: ${why.replace(/\s+/g, " ")}`);
