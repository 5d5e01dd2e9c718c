import type { AuthConfig, AuthResponse } from "../../api_types/mod.ts";
import { defineCommand, Prompt, StatusError, type Terminal } from "../../cli/mod.ts";
import type { Client } from "../../client/client.ts";
import { isTsdError } from "../../errors.ts";
import type { CommandContext } from "../context.ts";
import type { CredentialStore } from "../config/credential_store.ts";
import { serverKey } from "../config/docker_config.ts";
import { openCredentials } from "../config/registry_auth.ts";

/** `tsd login`. */
export const login = defineCommand({
  usage: "[OPTIONS] [SERVER]",
  args: { min: 0, max: 1 },
  flags: {
    password: { type: "string", short: "p", help: "Password or Personal Access Token (PAT)" },
    "password-stdin": { type: "bool", help: "Take the Password or Personal Access Token (PAT) from stdin" },
    username: { type: "string", short: "u", help: "Username" },
  },
  examples: [
    { line: "login registry.example.com", note: "Asks for user name and password" },
    { line: "login -u me --password-stdin registry.example.com < secret", note: "For scripts" },
  ],
  async run({ terminal, engine }: CommandContext, { args: [server], flags }) {
    refuseEmpty(flags);
    const key = serverKey(server);
    const store = await openCredentials(terminal);
    const given = { username: flags.username, password: await givenPassword(terminal, flags) };
    if (given.username === undefined && given.password === undefined) {
      if (await loginWithStored(terminal, engine, store, key)) return 0;
    }
    const auth = { ...await promptForMissing(terminal, given), serveraddress: key };
    const { Status, IdentityToken } = await loginWith(engine, store, key, auth);
    const file = store.plainFile(key);
    if (file !== undefined && !IdentityToken) await terminal.err(warning(file));
    await terminal.out(`${Status}\n`);
    return 0;
  },
});

/** Refuses empty values of flags. @throws {StatusError} */
function refuseEmpty(flags: Flags): void {
  for (const name of ["username", "password"] as const) {
    if (flags[name] === "") throw new StatusError(`${name} is empty`);
  }
}

interface Flags {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly "password-stdin": boolean;
}

async function givenPassword(terminal: Terminal, flags: Flags): Promise<string | undefined> {
  if (flags.password !== undefined) {
    if (flags["password-stdin"]) throw new StatusError("--password and --password-stdin are mutually exclusive");
    await terminal.err("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
    return flags.password;
  }
  if (!flags["password-stdin"]) return undefined;
  if (!flags.username) throw new StatusError("Must provide --username with --password-stdin");
  return (await new Response(terminal.stdin).text()).replace(/\r?\n$/, "");
}

/** Prompts for missing credentials. @throws {StatusError} if standard input is not a terminal or an answer is empty */
async function promptForMissing(
  terminal: Terminal,
  { username, password }: { readonly username: string | undefined; readonly password: string | undefined },
): Promise<Required<Pick<AuthConfig, "username" | "password">>> {
  if (username && password) return { username, password };
  if (!terminal.isTty("stdin")) {
    throw new StatusError("Error: Cannot perform an interactive login from a non TTY device");
  }
  using prompt = new Prompt(terminal);
  const name = username || (await prompt.line("Username: "))?.trim();
  if (!name) throw new StatusError("Error: Username cannot be empty");
  const secret = password || await prompt.secret("Password: ");
  if (!secret) throw new StatusError("Error: Password cannot be empty");
  return { username: name, password: secret };
}

/** Logs in with the stored credentials. Returns false if there are none or they are refused; other failures are thrown. */
async function loginWithStored(
  terminal: Terminal,
  engine: Client,
  store: CredentialStore,
  key: string,
): Promise<boolean> {
  const known = await store.get(key);
  if (known === undefined) return false;
  const who = known.username === undefined ? "" : ` [Username: ${known.username}]`;
  await terminal.err(
    `Authenticating with existing credentials...${who}\n\n` +
      " Info -> To login with a different account, run 'tsd logout' followed by 'tsd login'\n\n\n",
  );
  try {
    const { Status } = await loginWith(engine, store, key, known);
    await terminal.out(`${Status}\n`);
    return true;
  } catch (thrown) {
    if (!isTsdError(thrown, "unauthorized")) throw thrown;
    await terminal.err(`Stored credentials invalid or expired: ${thrown.message}\n`);
    return false;
  }
}

async function loginWith(
  engine: Client,
  store: CredentialStore,
  key: string,
  auth: AuthConfig,
): Promise<AuthResponse> {
  const answer = await engine.system.login(auth);
  // An identity token is stored in place of the password.
  const { IdentityToken } = answer;
  await store.put(key, IdentityToken ? { ...auth, password: "", identitytoken: IdentityToken } : auth);
  return answer;
}

/** Returns Docker's warning about unencrypted credentials. */
const warning = (file: string): string => `
WARNING! Your credentials are stored unencrypted in '${file}'.
Configure a credential helper to remove this warning. See
https://docs.docker.com/go/credential-store/

`;
