/** Measures the throughput of a container that sends zeros, read in another container and on the host. */
import { capture } from "../../scripts/project.ts";
import type { Peer } from "../peers/peer.ts";
import { stdoutOf } from "../measuring/harness.ts";
import { exec } from "../measuring/exec.ts";
import type { Sample, Turn } from "../measuring/rounds.ts";

export const BETWEEN = "container → container";
export const OUT = "container → host by a port of 127.0.0.1";

const SINK = new URL("sink.ts", import.meta.url).pathname;
const [SERVER, READER, INNER_PORT] = ["bench-server", "bench-reader", 5000];
const MEBIBYTE = 1 << 20;

/** Starts a server and a reader that run for all rounds; `undo` removes them. */
export async function trafficTurn(
  peer: Peer,
  { image, port, mebibytes }: { readonly image: string; readonly port: number; readonly mebibytes: number },
  undo: AsyncDisposableStack,
): Promise<Turn> {
  // dd inherits the connection, so the server doesn't copy the bytes.
  const serve = ["nc", "-ll", "-p", String(INNER_PORT), "-e", "dd", "if=/dev/zero", "bs=1M", `count=${mebibytes}`];
  const published = ["--publish", `${port}:${INNER_PORT}`];
  for (
    const args of [["--name", SERVER, ...published, image, ...serve], ["--name", READER, image, "sleep", "1000000"]]
  ) {
    await exec(peer.command("run", "--detach", ...args));
  }
  undo.defer(async () => void await exec(peer.command("rm", SERVER, READER)));
  const address = await inspected(peer, SERVER, "{{.NetworkSettings.IPAddress}}");
  const namespace = `/proc/${await inspected(peer, READER, "{{.State.Pid}}")}/ns/net`;
  const bytes = mebibytes * MEBIBYTE;
  const read = async (row: string, inside: readonly string[], from: string, at: number): Promise<Sample> => {
    const [program, ...args] = [
      ...inside,
      Deno.execPath(),
      "run",
      "--quiet",
      "-A",
      SINK,
      from,
      String(at),
      String(bytes),
    ];
    const { text } = await capture(program!, args);
    return { row, unit: "MB/s", value: bytes / 1e6 / (Number(text) / 1000) };
  };
  return {
    peer: peer.name,
    take: async () => [
      await read(BETWEEN, ["nsenter", `--net=${namespace}`, "--"], address, INNER_PORT),
      await read(OUT, [], "127.0.0.1", port),
    ],
  };
}

async function inspected(peer: Peer, container: string, format: string): Promise<string> {
  const value = (await stdoutOf(peer.command("inspect", "--format", format, container))).trim();
  if (value === "") throw new Error(`${peer.name} reports no ${format} of ${container}`);
  return value;
}
