import type { AuthConfig } from "../../api_types/mod.ts";
import { type ProgramResult, StatusError } from "../../cli/mod.ts";
import { decode, type Shape } from "../../json/decode.ts";
import type { DockerConfig, StoredAuth } from "./docker_config.ts";

/** Runs a program with `input` on its standard input. */
export type RunHelper = (program: string, args: readonly string[], input: string) => Promise<ProgramResult>;

/** The user name under which credential helpers keep tokens. */
const TOKEN_USER = "<token>";
/** A helper's output if it has no credentials for a registry. */
const NOT_FOUND = "credentials not found in native keychain";

/**
 * A user's credentials. They are stored in Docker's configuration file or by the `docker-credential-*` program that the file
 * configures for the registry. These programs implement the protocol of docker-credential-helpers: `get`, `store`, `erase`,
 * with JSON as input and output.
 */
export class CredentialStore {
  readonly #config: DockerConfig;
  readonly #run: RunHelper;

  constructor(config: DockerConfig, run: RunHelper) {
    this.#config = config;
    this.#run = run;
  }

  /** Returns the file that stores this registry's secrets unencrypted; undefined if a helper stores them. */
  plainFile(key: string): string | undefined {
    return this.#config.helperFor(key) === undefined ? this.#config.path : undefined;
  }

  /** Returns the credentials of a registry, if there are any. @throws {StatusError} if a helper fails */
  async get(key: string): Promise<AuthConfig | undefined> {
    const helper = this.#config.helperFor(key);
    if (helper === undefined) return fromEntry(key, this.#config.entry(key));
    const { code, stdout, stderr } = await this.#run(`docker-credential-${helper}`, ["get"], key);
    if (code !== 0 && stdout.trim() === NOT_FOUND) return undefined;
    if (code !== 0) throw failed("getting", helper, stdout, stderr);
    return fromHelper(key, helper, stdout);
  }

  /** Stores the credentials of a registry. @throws {StatusError} if a helper fails or the file can't be written */
  async put(key: string, auth: AuthConfig): Promise<void> {
    const helper = this.#config.helperFor(key);
    const { username = "", password = "", identitytoken } = auth;
    if (helper === undefined) {
      const pair = new TextEncoder().encode(`${username}:${password}`).toBase64();
      this.#config.setEntry(key, { auth: pair, ...(identitytoken ? { identitytoken } : {}) });
    } else {
      const secret = identitytoken ? { Username: TOKEN_USER, Secret: identitytoken } : {
        Username: username,
        Secret: password,
      };
      await this.#call(helper, "store", "storing", JSON.stringify({ ServerURL: key, ...secret }));
      // As in Docker, the file records only that there are credentials.
      this.#config.setEntry(key, {});
    }
    await this.#config.save();
  }

  /** Removes the credentials of a registry. @throws {StatusError} if a helper fails or the file can't be written */
  async erase(key: string): Promise<void> {
    const helper = this.#config.helperFor(key);
    if (helper !== undefined) await this.#call(helper, "erase", "erasing", key);
    if (this.#config.removeEntry(key)) await this.#config.save();
  }

  async #call(helper: string, action: string, doing: string, input: string): Promise<void> {
    const { code, stdout, stderr } = await this.#run(`docker-credential-${helper}`, [action], input);
    if (code !== 0 && stdout.trim() !== NOT_FOUND) throw failed(doing, helper, stdout, stderr);
  }
}

function fromEntry(key: string, entry: StoredAuth | undefined): AuthConfig | undefined {
  if (entry === undefined) return undefined;
  const [username = "", password = ""] = pairOf(entry.auth ?? "");
  const token = (name: "identitytoken" | "registrytoken") => entry[name] ? { [name]: entry[name] } : {};
  const auth: AuthConfig = {
    ...(username === "" ? {} : { username, password }),
    ...token("identitytoken"),
    ...token("registrytoken"),
  };
  return Object.keys(auth).length === 0 ? undefined : { ...auth, serveraddress: key };
}

/** Decodes `user:password`. In old files Docker pads passwords with NULs. */
function pairOf(auth: string): [string, string] | [] {
  let text: string;
  try {
    text = new TextDecoder().decode(Uint8Array.fromBase64(auth));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return [];
    throw thrown;
  }
  const colon = text.indexOf(":");
  return colon < 0 ? [] : [text.slice(0, colon), text.slice(colon + 1).replace(/\0+$/, "")];
}

/** A helper's response to `get`. */
interface HelperAnswer {
  readonly ServerURL?: string;
  readonly Username?: string;
  readonly Secret?: string;
}

const ANSWER_SHAPE: Shape<HelperAnswer> = { ServerURL: "text", Username: "text", Secret: "text" };

function fromHelper(key: string, helper: string, stdout: string): AuthConfig | undefined {
  const unusable = (why: string) => new StatusError(`error getting credentials - docker-credential-${helper} ${why}`);
  let answer: unknown;
  try {
    answer = JSON.parse(stdout);
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
    throw unusable("did not answer with JSON");
  }
  const wrongType = (path: string, must: string) =>
    unusable(`answered with a wrong ${path || "value"}: it must be ${must}`);
  const { Username, Secret } = decode(answer ?? {}, ANSWER_SHAPE, wrongType);
  if (Username === undefined || !Secret) return undefined;
  return Username === TOKEN_USER
    ? { identitytoken: Secret, serveraddress: key }
    : { username: Username, password: Secret, serveraddress: key };
}

/** Returns Docker's error for a failed helper. Helpers report errors on standard output. */
function failed(doing: string, helper: string, stdout: string, stderr: string): StatusError {
  const output = (stdout.trim() || stderr.trim() || "it failed without a word").split("\n", 1)[0]!.slice(0, 300);
  return new StatusError(`error ${doing} credentials - docker-credential-${helper}: ${output}`);
}
