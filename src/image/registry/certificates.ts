/**
 * @module
 * Loads a registry's certificates: the configured ones, and those in Docker's directories (`certs.d/HOST/`), where
 * `*.crt` are CA certificates, and `NAME.cert` and `NAME.key` are a client certificate and its key.
 */
import { TsdError } from "../../errors.ts";
import type { RegistrySettings } from "./settings.ts";

/** PEM-encoded certificates and key. */
export interface TlsMaterial {
  /** CA certificates to trust in addition to the system's. */
  readonly authorities: readonly string[];
  readonly cert?: string;
  readonly key?: string;
}

/**
 * Reads a host's certificates; undefined if there are none.
 * @throws {TsdError} registry_unreachable, with a one-line message
 */
export async function readCertificates(
  host: string,
  { certificates, certificateDirs }: Pick<RegistrySettings, "certificates" | "certificateDirs">,
): Promise<TlsMaterial | undefined> {
  const read = (path: string) => readPem(host, path);
  const configured = certificates[host];
  const dirs = certificateDirs.map((dir) => `${dir}/${host}`);
  const found = (await Promise.all(dirs.map(async (dir) => await clientFiles(host, dir)))).flat();
  const authorities = [...(configured?.ca ? [configured.ca] : []), ...found.filter((path) => path.endsWith(".crt"))];
  const cert = configured?.cert ?? found.find((path) => path.endsWith(".cert"));
  const key = configured?.key ?? found.find((path) => path.endsWith(".key"));
  if (authorities.length === 0 && cert === undefined) return undefined;
  return {
    authorities: await Promise.all(authorities.map(read)),
    ...(cert !== undefined && key !== undefined ? { cert: await read(cert), key: await read(key) } : {}),
  };
}

/**
 * Lists the files of a directory, sorted; a client certificate without its key, or a key without its certificate, is an
 * error.
 */
async function clientFiles(host: string, dir: string): Promise<string[]> {
  const names = await namesIn(host, dir);
  for (const name of names) {
    if (name.endsWith(".cert") && !names.includes(name.replace(/cert$/, "key"))) {
      const text = `missing key ${name.replace(/cert$/, "key")} for client certificate ${name}`;
      throw unusable(host, `${dir}: ${text} (CA certificates must use the extension .crt)`);
    }
    if (name.endsWith(".key") && !names.includes(name.replace(/key$/, "cert"))) {
      throw unusable(host, `${dir}: missing client certificate ${name.replace(/key$/, "cert")} for key ${name}`);
    }
  }
  return names.map((name) => `${dir}/${name}`);
}

async function namesIn(host: string, dir: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory) return [];
    throw unusable(host, `${dir}: ${reason(thrown)}`);
  }
}

async function readPem(host: string, path: string): Promise<string> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (thrown) {
    throw unusable(host, `${path}: ${reason(thrown)}`);
  }
  if (!text.includes("-----BEGIN ")) throw unusable(host, `${path}: it is not a PEM file`);
  return text;
}

function reason(thrown: unknown): string {
  if (thrown instanceof Deno.errors.NotFound) return "no such file";
  if (thrown instanceof Deno.errors.PermissionDenied) return "permission denied";
  return thrown instanceof Error ? thrown.message : String(thrown);
}

const unusable = (host: string, why: string): TsdError =>
  new TsdError("registry_unreachable", `Cannot use the certificates of registry ${host}: ${why}`, {
    detail: { connected: false },
  });
