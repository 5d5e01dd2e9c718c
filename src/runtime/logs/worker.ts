/**
 * @module
 * Entry point of the log Worker: one Worker and one epoll serve the output of all containers, so that a container with
 * much output doesn't slow down the API. Protocol: `protocol.ts`.
 */
import { serialiseError } from "../../errors.ts";
import { cString, EPOLL, Epoll, files, isErrno, O, OwnedFd, pipes } from "../../sys/mod.ts";
import { Channel, type ChannelHost } from "./channel.ts";
import { ChannelLog, type LogHost } from "./channel_log.ts";
import { recordMemory } from "./json_lines.ts";
import { CompressionQueue } from "./log_compressor.ts";
import { FifoTee } from "./fifo_tee.ts";
import type { FromLogWorker, SharedLog, ToLogWorker } from "./protocol.ts";

/** A read returns at most the capacity of a pipe (pipe(7): 64 KiB by default). */
const READ_BYTES = 64 << 10;
const WATCHED = EPOLL.IN | EPOLL.ET;
/** Enlarged capacity of the FIFO of a fast writer. */
const ENLARGED_FIFO_BYTES = 2 * READ_BYTES;

const scope = self as unknown as {
  postMessage(message: FromLogWorker, transfer?: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToLogWorker>) => void): void;
};
const post = (message: FromLogWorker, transfer: Transferable[] = []) => scope.postMessage(message, transfer);

const epoll = new Epoll({
  // If a handler were skipped, its container would hang without notice: let the Worker fail, which the engine detects.
  onHandlerError: (thrown) => {
    throw thrown;
  },
});
const channels = new Map<string, Channel>();
const scratch = new Uint8Array(READ_BYTES);
const fifoTee = new FifoTee(files, pipes, READ_BYTES);

const sampling = { perSecond: 0 };

const host: ChannelHost & LogHost = {
  sampling,
  read,
  peek: (fd, buffer) => fifoTee.peek(fd, buffer),
  take: (fd, count) => fifoTee.take(fd, count),
  enlarge,
  // Without a writer, open(2) would block. With O_NONBLOCK it succeeds, and end of file follows only a first writer.
  open: (source) =>
    new OwnedFd(
      "fd" in source ? pipes.duplicate(source.fd) : files.open(cString(source.path), O.RDONLY | O.NONBLOCK),
    ),
  // Edge-triggered: an incomplete line stays in its FIFO, which a level-triggered watch would report forever.
  watch: (fd, ready) => epoll.add(fd, WATCHED, (events) => ready((events & EPOLL.HUP) !== 0)),
  watchAgain: (fd) => epoll.modify(fd, WATCHED),
  unwatch: (fd) => epoll.remove(fd),
  post,
  compressions: new CompressionQueue(),
  memory: recordMemory(),
};

/** Reads a descriptor. EIO from a pty's master means that no process has the other side open: the end of its output. */
function read(fd: number, buffer: Uint8Array): number | "again" {
  try {
    return files.read(fd, buffer);
  } catch (thrown) {
    if (isErrno(thrown, "EIO")) return 0;
    throw thrown;
  }
}

function enlarge(fd: number): void {
  try {
    pipes.setPipeSize(fd, ENLARGED_FIFO_BYTES);
  } catch (thrown) {
    // pipe(7): the pages of all pipes of a user are limited, unless it has CAP_SYS_RESOURCE.
    if (!isErrno(thrown, "EPERM")) throw thrown;
  }
}

function open({ channel: spec, log: shared, needs }: Extract<ToLogWorker, { kind: "open" }>): void {
  const { key } = spec;
  using passedFds = new DisposableStack();
  for (const source of spec.sources) if ("fd" in source) passedFds.use(new OwnedFd(source.fd));
  try {
    const log = shared && new ChannelLog(key, shared, host);
    try {
      for (const need of needs) log?.need(need);
      channels.set(key, new Channel(spec, log, host, scratch, () => channels.delete(key)));
    } catch (thrown) {
      log?.close();
      throw thrown;
    }
    post({ kind: "opened", key });
  } catch (thrown) {
    post({ kind: "opened", key, error: serialiseError(thrown) });
  }
}

function clear({ key, log: shared, ticket }: Extract<ToLogWorker, { kind: "clear" }>): void {
  try {
    const channel = channels.get(key);
    if (channel === undefined) clearClosed(key, shared);
    else channel.clearLog();
    post({ kind: "cleared", ticket });
  } catch (thrown) {
    post({ kind: "cleared", ticket, error: serialiseError(thrown) });
  }
}

/** Clears the log of a container that doesn't run. */
function clearClosed(key: string, { spec, sequence }: SharedLog): void {
  const log = new ChannelLog(key, { spec: { ...spec, compress: false }, sequence }, host);
  try {
    log.clear();
  } finally {
    log.close();
  }
}

function flushAll(ticket: number): void {
  for (const channel of [...channels.values()]) channel.sync();
  post({ kind: "flushed", ticket });
}

function suspendAll(ticket: number): void {
  const seen = Object.fromEntries([...channels].map(([key, channel]) => [key, channel.suspend()]));
  post({ kind: "suspended", ticket, seen });
}

function receive(message: ToLogWorker): void {
  switch (message.kind) {
    case "open":
      return open(message);
    case "begin":
      return channels.get(message.key)?.begin();
    case "attach":
      channels.get(message.key)?.setAttached(message.on);
      return post({ kind: "attached", key: message.key });
    case "credit":
      return channels.get(message.key)?.credit(message.bytes);
    case "finish":
      return channels.get(message.key)?.finish(message.graceMs);
    case "close":
      return channels.get(message.key)?.close();
    case "need":
      return channels.get(message.key)?.need(message.need);
    case "clear":
      return clear(message);
    case "sample":
      sampling.perSecond = message.perSecond;
      return;
    case "flush":
      return flushAll(message.ticket);
    case "suspend":
      return suspendAll(message.ticket);
  }
}

scope.addEventListener("message", (event) => receive(event.data));
void epoll.run();
post({ kind: "ready" });
