import type { AuthConfig } from "../../api_types/mod.ts";
import { printableLine, runProgram, StatusError, type Terminal } from "../../cli/mod.ts";
import type { Reference } from "../../image/reference.ts";
import { CredentialStore } from "./credential_store.ts";
import { DockerConfig, registryKey } from "./docker_config.ts";

/** Opens the user's credential store. @throws {StatusError} if Docker's configuration file can't be read or parsed */
export async function openCredentials(terminal: Terminal): Promise<CredentialStore> {
  const config = await DockerConfig.load((name) => terminal.env(name));
  return new CredentialStore(config, (program, args, input) => {
    terminal.host?.needProcess();
    return runProgram(program, args, { input });
  });
}

/**
 * Returns the credentials that the engine needs to pull from the reference's registry. Failure to get them is only a
 * warning, because most images need none.
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
