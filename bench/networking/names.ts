/** How long a container waits for the address of another one. */
import { capture, CommandFailed } from "../../scripts/project.ts";
import type { Peer } from "../peers/peer.ts";
import { printed } from "../measuring/harness.ts";
import { perform } from "../measuring/exec.ts";
import type { Turn } from "../measuring/rounds.ts";

export const TIMES = 1000;
export const NAMES = `${TIMES} lookups of a container's name, one after the other`;

const ASK = new URL("ask_names.ts", import.meta.url).pathname;
const [NETWORK, REQUESTED_NAMES, ASKING] = ["bench-names", "bench-asked", "bench-asking"];

/** Two containers in a network of their own, which are gone with `undo`; no turns for who doesn't know them by name. */
export async function namesTurn(peer: Peer, image: string, undo: AsyncDisposableStack): Promise<Turn[]> {
  await perform(peer.command("network", "create", NETWORK));
  undo.defer(async () => void await perform(peer.command("network", "rm", NETWORK)));
  for (const name of [REQUESTED_NAMES, ASKING]) {
    const where = ["--name", name, "--network", NETWORK];
    await perform(peer.command("run", "--detach", ...where, image, "sleep", "1000000"));
  }
  undo.defer(async () => void await perform(peer.command("rm", REQUESTED_NAMES, ASKING)));
  const pid = (await printed(peer.command("inspect", "--format", "{{.State.Pid}}", ASKING))).trim();
  const configured = await printed(peer.command("exec", ASKING, "cat", "/etc/resolv.conf"));
  const server = /^nameserver (\S+)$/m.exec(configured)?.[1];
  if (server === undefined) throw new Error(`${peer.name} gives its containers no name server`);
  const ask = async (times: number) => {
    const program = [Deno.execPath(), "run", "--quiet", "-A", ASK, server, REQUESTED_NAMES, String(times)];
    return Number((await capture("nsenter", [`--net=/proc/${pid}/ns/net`, "--", ...program])).text);
  };
  try {
    await ask(1);
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    console.error(`bench: ${peer.name} is left out of the lookups: ${server} doesn't know ${REQUESTED_NAMES}`);
    return [];
  }
  return [{
    peer: peer.name,
    take: async () => [{ row: NAMES, unit: "ms", value: await ask(TIMES) }],
  }];
}
