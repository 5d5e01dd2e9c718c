/**
 * A fake of the executable for the harness' tests: a daemon that answers a few paths, and clients that print their
 * arguments. LEAK in the daemon's environment makes it leave something behind; FAIL makes it exit at once.
 */
import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

const [verb, ...args] = Deno.args;

function daemon(): void {
  const dataRoot = args[args.indexOf("--data-root") + 1]!;
  const socketPath = args[args.indexOf("-H") + 1]!.slice("unix://".length);
  console.log("fake engine starts");
  if (Deno.env.get("FAIL")) Deno.exit(3);
  Deno.mkdirSync(dataRoot, { recursive: true });
  leak(Deno.env.get("LEAK"), dataRoot);
  const server = createServer(answer);
  server.on("upgrade", hijack);
  new Deno.Command("rm", { args: ["-f", socketPath] }).outputSync();
  server.listen(socketPath);
  Deno.addSignalListener("SIGTERM", () => {
    Deno.removeSync(socketPath);
    Deno.exit(0);
  });
}

function leak(what: string | undefined, dataRoot: string): void {
  if (what === "mount") {
    Deno.mkdirSync(`${dataRoot}/mounted`, { recursive: true });
    new Deno.Command("mount", { args: ["-t", "tmpfs", "none", `${dataRoot}/mounted`] }).outputSync();
  }
  if (what === "process") {
    spawn("tail", ["-f", "/dev/null", `${dataRoot}/missing`], { detached: true, stdio: "ignore" }).unref();
  }
  if (what === "descriptor") {
    spawn("sh", ["-c", `exec sleep 1001 <"$1"`, "sh", dataRoot], { detached: true, stdio: "ignore" }).unref();
  }
}

let containers = ["a", "b"];

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { method } = request;
  const url = (request.url ?? "").replace(/^\/v1\.\d+\/containers/, "/containers");
  if (url === "/_ping") return void response.end("OK");
  if (url.startsWith("/containers/json")) return void response.end(JSON.stringify(containers.map((Id) => ({ Id }))));
  if (method === "DELETE") containers = containers.filter((id) => !url.includes(`/${id}?`));
  if (url === "/lines") return lines(response);
  if (url === "/empty") return void response.writeHead(204).end();
  let body = "";
  request.on("data", (part: Uint8Array) => body += new TextDecoder().decode(part));
  request.on("end", () => response.end(JSON.stringify({ method, url, headers: request.headers, body })));
}

function lines(response: ServerResponse): void {
  response.write('{"n":1}\r\n{"n"');
  response.end(":2}\r\n");
}

/** Sends two frames at once, then every input as a frame, then a last one at the end of input. */
function hijack(_request: IncomingMessage, socket: Socket): void {
  const frame = (stream: number, text: string) => {
    const header = new Uint8Array([stream, 0, 0, 0, 0, 0, 0, text.length]);
    socket.write(header);
    socket.write(text);
  };
  socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
  frame(1, "out");
  frame(2, "err");
  socket.on("data", (part: Uint8Array) => frame(1, new TextDecoder().decode(part)));
  socket.on("end", () => {
    frame(1, "bye");
    socket.end();
  });
}

async function client(): Promise<void> {
  const input = verb === "cat" ? await new Response(Deno.stdin.readable).text() : "";
  if (verb === "cat") console.log(input);
  if (verb === "env") console.log(JSON.stringify(Deno.env.toObject()));
  if (verb === "hang") await new Promise((resolve) => setTimeout(resolve, 60_000));
  if (verb === "talk") {
    for await (const part of Deno.stdin.readable) console.log("heard", new TextDecoder().decode(part).trim());
  }
  if (verb === "exit") {
    console.error("to stderr");
    Deno.exit(Number(args[0]));
  }
}

if (verb === "daemon") daemon();
else await client();
