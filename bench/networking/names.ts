/** Measures lookups of one container's name in another one's namespace. */
import { capture, CommandFailed } from "../../scripts/project.ts";
import type { Peer } from "../peers/peer.ts";
import { stdoutOf } from "../measuring/harness.ts";
import { exec } from "../measuring/exec.ts";
import type { Turn } from "../measuring/rounds.ts";

export const TIMES = 1000;
export const NAMES = `${TIMES} lookups of a container's name, one after the other`;

const QUERY_PROGRAM = new URL("query_names.ts", import.meta.url).pathname;
const [NETWORK, TARGET, CLIENT] = ["bench-names", "bench-target", "bench-client"];

/** Starts two containers in a user-defined network, removed by `undo`; returns no turn for a peer without its own DNS. */
export async function namesTurn(peer: Peer, image: string, undo: AsyncDisposableStack): Promise<Turn[]> {
  await exec(peer.command("network", "create", NETWORK));
  undo.defer(async () => void await exec(peer.command("network", "rm", NETWORK)));
  for (const name of [TARGET, CLIENT]) {
    const options = ["--name", name, "--network", NETWORK];
    await exec(peer.command("run", "--detach", ...options, image, "sleep", "1000000"));
  }
  undo.defer(async () => void await exec(peer.command("rm", TARGET, CLIENT)));
  const pid = (await stdoutOf(peer.command("inspect", "--format", "{{.State.Pid}}", CLIENT))).trim();
  const configured = await stdoutOf(peer.command("exec", CLIENT, "cat", "/etc/resolv.conf"));
  const server = /^nameserver (\S+)$/m.exec(configured)?.[1];
  if (server === undefined) throw new Error(`${peer.name} gives its containers no name server`);
  const lookUp = async (times: number) => {
    const program = [Deno.execPath(), "run", "--quiet", "-A", QUERY_PROGRAM, server, TARGET, String(times)];
    return Number((await capture("nsenter", [`--net=/proc/${pid}/ns/net`, "--", ...program])).text);
  };
  try {
    await lookUp(1);
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    console.error(`bench: ${peer.name} is left out of the lookups: ${server} doesn't know ${TARGET}`);
    return [];
  }
  return [{
    peer: peer.name,
    take: async () => [{ row: NAMES, unit: "ms", value: await lookUp(TIMES) }],
  }];
}
