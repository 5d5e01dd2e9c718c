import type { AuthConfig } from "../../api_types/mod.ts";
import { printableLine, runProgram, StatusError, type Terminal } from "../../cli/mod.ts";
import type { Reference } from "../../image/reference.ts";
import { CredentialStore } from "./credential_store.ts";
import { DockerConfig, registryKey } from "./docker_config.ts";

/** The user's credentials. @throws {StatusError} when Docker's configuration file can't be understood */
export async function openCredentials(terminal: Terminal): Promise<CredentialStore> {
  const config = await DockerConfig.load((name) => terminal.env(name));
  return new CredentialStore(config, (program, args, input) => {
    terminal.host?.needProcess();
    return runProgram(program, args, { input });
  });
}

/**
 * What the engine is to be told for a pull. Credentials that can't be had are said and no reason to stop: most images need
 * none.
 */
export async function authFor(terminal: Terminal, reference: Reference): Promise<AuthConfig | undefined> {
  try {
    return await (await openCredentials(terminal)).get(registryKey(reference.domain));
  } catch (thrown) {
    if (!(thrown instanceof StatusError)) throw thrown;
    await terminal.err(`WARNING: ${printableLine(thrown.message)}\n`);
    return undefined;
  }
}
