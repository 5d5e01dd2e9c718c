import { StatusError } from "../../cli/mod.ts";
import { DEFAULT_DOMAIN } from "../../image/reference.ts";

/** What the file keeps for one registry; other fields stay as they are. */
export interface StoredAuth {
  /** `user:password` in base64. */
  readonly auth?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
  readonly [field: string]: unknown;
}

/** Docker's key for its own index. */
export const INDEX_KEY = "https://index.docker.io/v1/";
const INDEX_NAMES = ["docker.io", "index.docker.io", "registry-1.docker.io"];

type Fields = Record<string, unknown>;

/** Under which name credentials of a registry (as in references) are kept. */
export const registryKey = (domain: string): string => domain === DEFAULT_DOMAIN ? INDEX_KEY : domain;

/** The registry that a user means who typed `server`: a host, perhaps with scheme and path; Docker's index by default. */
export function serverKey(server: string | undefined): string {
  const host = hostOf(server ?? "");
  return host === "" || INDEX_NAMES.includes(host) ? INDEX_KEY : host;
}

const hostOf = (text: string): string => text.replace(/^https?:\/\//, "").split("/", 1)[0];

/**
 * Docker's `config.json`, which the docker CLI and other programs read and write too: what isn't about credentials is kept.
 */
export class DockerConfig {
  readonly path: string;
  readonly #fields: Fields;

  private constructor(path: string, fields: Fields) {
    this.path = path;
    this.#fields = fields;
  }

  /** Reads the file of this user; one that isn't there is empty. @throws {PlainError} when it can't be understood */
  static async load(env: (name: string) => string | undefined): Promise<DockerConfig> {
    const dir = env("DOCKER_CONFIG") || `${env("HOME") || "/root"}/.docker`;
    const path = `${dir}/config.json`;
    return new DockerConfig(path, await readFields(path));
  }

  /** The program that keeps this registry's credentials, without `docker-credential-`; undefined: this file does. */
  helperFor(key: string): string | undefined {
    const helpers = objectIn(this.#fields, "credHelpers", this.path);
    const names = key === INDEX_KEY ? [INDEX_KEY, ...INDEX_NAMES] : [key];
    const own = names.map((name) => helpers[name]).find((value) => value !== undefined);
    const helper = own ?? this.#fields.credsStore;
    return typeof helper === "string" && helper !== "" ? helper : undefined;
  }

  /** What this file has; old files name registries by URL. */
  entry(key: string): StoredAuth | undefined {
    const auths = this.#auths();
    const found = auths[key] ?? Object.entries(auths).find(([name]) => hostOf(name) === hostOf(key))?.[1];
    return typeof found === "object" && found !== null ? found as StoredAuth : undefined;
  }

  /** A field that is a text; empty when it isn't there or something else. */
  text(field: string): string {
    const value = this.#fields[field];
    return typeof value === "string" ? value : "";
  }

  /** A field that is a list of texts; empty when it isn't there or something else. */
  texts(field: string): string[] {
    const value = this.#fields[field];
    return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
  }

  setEntry(key: string, entry: StoredAuth): void {
    this.#fields.auths = { ...this.#auths(), [key]: entry };
  }

  /** Whether there was one. */
  removeEntry(key: string): boolean {
    const auths = this.#auths();
    const left = Object.entries(auths).filter(([name]) => name !== key && hostOf(name) !== hostOf(key));
    this.#fields.auths = Object.fromEntries(left);
    return left.length < Object.keys(auths).length;
  }

  /** Writes the whole file at once, for its owner only; a link is followed. */
  async save(): Promise<void> {
    await Deno.mkdir(this.path.slice(0, this.path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
    const target = await realPath(this.path);
    const before = await statOf(target);
    const temporary = `${target}.${crypto.randomUUID().slice(0, 8)}`;
    try {
      await using undo = new AsyncDisposableStack();
      using file = await Deno.open(temporary, { write: true, createNew: true, mode: 0o600 });
      undo.defer(() => Deno.remove(temporary));
      const bytes = new TextEncoder().encode(JSON.stringify(this.#fields, null, "\t"));
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
      // Under sudo the file may be somebody else's.
      if (before !== undefined) await Deno.chown(temporary, before.uid, before.gid);
      await Deno.rename(temporary, target);
      undo.move();
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      throw new StatusError(`Error saving credentials: cannot write ${target}: ${why}`);
    }
  }

  #auths(): Fields {
    return objectIn(this.#fields, "auths", this.path);
  }
}

async function readFields(path: string): Promise<Fields> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return {};
    throw unusable(path, thrown instanceof Deno.errors.PermissionDenied ? "permission denied" : String(thrown));
  }
  if (text.trim() === "") return {};
  try {
    const fields: unknown = JSON.parse(text);
    if (typeof fields === "object" && fields !== null && !Array.isArray(fields)) return fields as Fields;
  } catch (thrown) {
    // The parser's own words quote the file, secrets included.
    if (!(thrown instanceof SyntaxError)) throw thrown;
    throw unusable(path, "it is not JSON");
  }
  throw unusable(path, "it is no JSON object");
}

function objectIn(fields: Fields, name: string, path: string): Fields {
  const value = fields[name] ?? {};
  if (typeof value === "object" && !Array.isArray(value)) return value as Fields;
  throw unusable(path, `"${name}" is no object`);
}

const unusable = (path: string, why: string): StatusError =>
  new StatusError(`Error loading config file: ${path}: ${why}`);

async function realPath(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return path;
    throw thrown;
  }
}

async function statOf(path: string): Promise<{ uid: number; gid: number } | undefined> {
  try {
    const { uid, gid } = await Deno.stat(path);
    return uid === null || gid === null ? undefined : { uid, gid };
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}
