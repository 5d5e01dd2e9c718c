import { StatusError } from "../../cli/mod.ts";
import { DEFAULT_DOMAIN } from "../../image/reference.ts";
import { decode, type Decoded, isObject, type Shape } from "../../json/decode.ts";
import { foldKey } from "../../json/fold.ts";
import { duplicateKey } from "../../json/keys.ts";

/** The fields of a registry's entry that are used; other fields are written back unchanged. */
export interface StoredAuth {
  /** `user:password` in base64. */
  readonly auth?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

const AUTH_SHAPE: Shape<StoredAuth> = { auth: "text", identitytoken: "text", registrytoken: "text" };

/** The default formats of listings. */
export interface ConfiguredTexts {
  readonly psFormat?: string;
  readonly imagesFormat?: string;
  readonly statsFormat?: string;
  readonly volumesFormat?: string;
  readonly networksFormat?: string;
}

/** The fields that are used. */
interface KnownFields extends ConfiguredTexts {
  /** By registry; not decoded, because they are written back. */
  readonly auths?: Readonly<Record<string, unknown>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
  readonly pruneFilters?: readonly string[];
}

const SHAPE: Shape<KnownFields> = {
  auths: { map: "anything" },
  credHelpers: "textMap",
  credsStore: "text",
  psFormat: "text",
  imagesFormat: "text",
  statsFormat: "text",
  volumesFormat: "text",
  networksFormat: "text",
  pruneFilters: "texts",
};

/** Docker's key for Docker Hub's index. */
export const INDEX_KEY = "https://index.docker.io/v1/";
const INDEX_NAMES = ["docker.io", "index.docker.io", "registry-1.docker.io"];

type Fields = Record<string, unknown>;

/** Returns the key of a registry's credentials. `domain` is the registry's name in image references. */
export const registryKey = (domain: string): string => domain === DEFAULT_DOMAIN ? INDEX_KEY : domain;

/** Returns the key for a `server` that a user typed: a host, optionally with scheme and path. Default: Docker Hub. */
export function serverKey(server: string | undefined): string {
  const host = hostOf(server ?? "");
  return host === "" || INDEX_NAMES.includes(host) ? INDEX_KEY : host;
}

const hostOf = (text: string): string => text.replace(/^https?:\/\//, "").split("/", 1)[0];

/**
 * Docker's `config.json`, which the docker CLI and other programs read and write too. As they do, it decodes the file by the
 * rules of Go's encoding/json. Fields unrelated to credentials are written back unchanged.
 */
export class DockerConfig {
  readonly path: string;
  #fields: Fields;
  readonly #known: Decoded<KnownFields>;
  #auths: Readonly<Record<string, unknown>>;

  private constructor(path: string, fields: Fields) {
    this.path = path;
    this.#fields = fields;
    this.#known = decode(fields, SHAPE, this.#wrongType);
    this.#auths = this.#known.auths ?? {};
  }

  /** Reads the user's file; a missing file counts as empty. @throws {StatusError} if it can't be read or parsed */
  static async load(env: (name: string) => string | undefined): Promise<DockerConfig> {
    const dir = env("DOCKER_CONFIG") || `${env("HOME") || "/root"}/.docker`;
    const path = `${dir}/config.json`;
    return new DockerConfig(path, await readFields(path));
  }

  /** Returns the helper that stores this registry's credentials, without `docker-credential-`; undefined: this file does. */
  helperFor(key: string): string | undefined {
    const { credHelpers: helpers = {}, credsStore } = this.#known;
    const names = key === INDEX_KEY ? [INDEX_KEY, ...INDEX_NAMES] : [key];
    const configured = names.find((name) => Object.hasOwn(helpers, name));
    return (configured === undefined ? credsStore : helpers[configured]) || undefined;
  }

  /** Returns a registry's entry. Old files have URLs as keys. @throws {StatusError} if the entry is invalid */
  entry(key: string): StoredAuth | undefined {
    const names = Object.keys(this.#auths);
    const name = names.find((each) => each === key) ?? names.find((each) => hostOf(each) === hostOf(key));
    const found = name === undefined ? undefined : this.#auths[name];
    if (found === undefined || found === null) return undefined;
    return decode(found, AUTH_SHAPE, this.#wrongType, `auths[${JSON.stringify(name)}]`);
  }

  /** Returns the value of a string field; empty if it isn't set. */
  text(field: keyof ConfiguredTexts): string {
    return this.#known[field] ?? "";
  }

  get pruneFilters(): readonly string[] {
    return this.#known.pruneFilters ?? [];
  }

  setEntry(key: string, entry: StoredAuth): void {
    this.#replaceAuths({ ...this.#auths, [key]: entry });
  }

  /** Removes a registry's entries; returns whether there were any. */
  removeEntry(key: string): boolean {
    const before = Object.entries(this.#auths);
    const remaining = before.filter(([name]) => name !== key && hostOf(name) !== hostOf(key));
    this.#replaceAuths(Object.fromEntries(remaining));
    return remaining.length < before.length;
  }

  /** Replaces the file atomically, with mode 0600. Symbolic links are followed. @throws {StatusError} */
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
      // Under sudo the file can belong to another user.
      if (before !== undefined) await Deno.chown(temporary, before.uid, before.gid);
      await Deno.rename(temporary, target);
      undo.move();
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      throw new StatusError(`Error saving credentials: cannot write ${target}: ${why}`);
    }
  }

  /** Replaces all spellings of `auths` with one key: any other spelling remaining in the file would be merged on the next read. */
  #replaceAuths(auths: Readonly<Record<string, unknown>>): void {
    const others = Object.entries(this.#fields).filter(([name]) => name === "auths" || foldKey(name) !== "auths");
    this.#auths = auths;
    this.#fields = { ...Object.fromEntries(others), auths };
  }

  readonly #wrongType = (path: string, must: string): StatusError => unusable(this.path, `${path} must be ${must}`);
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
  const fields = parsed(text, path);
  if (!isObject(fields)) throw unusable(path, "it is no JSON object");
  const twice = duplicateKey(text, fields);
  if (twice !== undefined) throw unusable(path, `the key ${JSON.stringify(twice)} stands twice in one object`);
  return fields;
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    // The parser's message quotes the file, secrets included.
    if (!(thrown instanceof SyntaxError)) throw thrown;
    throw unusable(path, "it is not JSON");
  }
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
