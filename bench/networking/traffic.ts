/** Throughput between a container that sends zeros and somebody who reads them. */
import { capture } from "../../scripts/project.ts";
import type { Peer } from "../peers/peer.ts";
import { printed } from "../measuring/harness.ts";
import { perform } from "../measuring/exec.ts";
import type { Sample, Turn } from "../measuring/rounds.ts";

export const BETWEEN = "container → container";
export const OUT = "container → host by a port of 127.0.0.1";

const SINK = new URL("sink.ts", import.meta.url).pathname;
const [SERVER, READER, INNER_PORT] = ["bench-server", "bench-reader", 5000];
const MEBIBYTE = 1 << 20;

/** A server and a reader that run for all rounds; they are gone with `undo`. */
export async function trafficTurn(
  peer: Peer,
  { image, port, mebibytes }: { readonly image: string; readonly port: number; readonly mebibytes: number },
  undo: AsyncDisposableStack,
): Promise<Turn> {
  // Whatever is written goes to the connection, without a copy by the server.
  const serve = ["nc", "-ll", "-p", String(INNER_PORT), "-e", "dd", "if=/dev/zero", "bs=1M", `count=${mebibytes}`];
  const published = ["--publish", `${port}:${INNER_PORT}`];
  for (
    const args of [["--name", SERVER, ...published, image, ...serve], ["--name", READER, image, "sleep", "1000000"]]
  ) {
    await perform(peer.command("run", "--detach", ...args));
  }
  undo.defer(async () => void await perform(peer.command("rm", SERVER, READER)));
  const address = await reported(peer, SERVER, "{{.NetworkSettings.IPAddress}}");
  const namespace = `/proc/${await reported(peer, READER, "{{.State.Pid}}")}/ns/net`;
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

async function reported(peer: Peer, container: string, format: string): Promise<string> {
  const said = (await printed(peer.command("inspect", "--format", format, container))).trim();
  if (said === "") throw new Error(`${peer.name} says nothing of ${format} of ${container}`);
  return said;
}
