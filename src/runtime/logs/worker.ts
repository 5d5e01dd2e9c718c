/**
 * @module
 * Entry of the log Worker: one Worker and one epoll for the output of all containers, so that a loud container costs
 * the API nothing. Protocol: `protocol.ts`.
 */
import { serialiseError } from "../../errors.ts";
import { cString, EPOLL, Epoll, files, isErrno, O, OwnedFd, pipes } from "../../sys/mod.ts";
import { Channel, type ChannelHost } from "./channel.ts";
import { ChannelLog, type LogHost } from "./channel_log.ts";
import { recordMemory } from "./json_lines.ts";
import { CompressionQueue } from "./log_compressor.ts";
import { FifoTee } from "./fifo_tee.ts";
import type { FromLogWorker, SharedLog, ToLogWorker } from "./protocol.ts";

/** Reads are at most one pipe's worth (pipe(7): 64 KiB by default). */
const READ_BYTES = 64 << 10;
const WATCHED = EPOLL.IN | EPOLL.ET;
/** Room of the FIFO of a loud writer. */
const LOUD_FIFO_BYTES = 2 * READ_BYTES;

const scope = self as unknown as {
  postMessage(message: FromLogWorker, transfer?: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToLogWorker>) => void): void;
};
const post = (message: FromLogWorker, transfer: Transferable[] = []) => scope.postMessage(message, transfer);

const epoll = new Epoll({
  // Without a descriptor's handler its container would hang in silence: better that the engine sees the Worker fail.
  onHandlerError: (thrown) => {
    throw thrown;
  },
});
const channels = new Map<string, Channel>();
const scratch = new Uint8Array(READ_BYTES);
const peeker = new FifoTee(files, pipes, READ_BYTES);

const sampling = { perSecond: 0 };

const host: ChannelHost & LogHost = {
  sampling,
  read,
  peek: (fd, buffer) => peeker.peek(fd, buffer),
  take: (fd, count) => peeker.take(fd, count),
  enlarge,
  // Without a writer open(2) would block; with O_NONBLOCK it succeeds, and the end comes only after a first writer.
  open: (source) =>
    new OwnedFd(
      "fd" in source ? pipes.duplicate(source.fd) : files.open(cString(source.path), O.RDONLY | O.NONBLOCK),
    ),
  // Edges only: a line without its end stays in its FIFO and would be news for ever.
  watch: (fd, ready) => epoll.add(fd, WATCHED, (events) => ready((events & EPOLL.HUP) !== 0)),
  watchAgain: (fd) => epoll.modify(fd, WATCHED),
  unwatch: (fd) => epoll.remove(fd),
  post,
  compressions: new CompressionQueue(),
  memory: recordMemory(),
};

/** A pty's master fails with EIO once nobody has the other side open: that is its end. */
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
    pipes.setPipeSize(fd, LOUD_FIFO_BYTES);
  } catch (thrown) {
    // pipe(7): so many pages for all pipes of a user, unless it has CAP_SYS_RESOURCE.
    if (!isErrno(thrown, "EPERM")) throw thrown;
  }
}

function open({ channel: spec, log: shared, needs }: Extract<ToLogWorker, { kind: "open" }>): void {
  const { key } = spec;
  using given = new DisposableStack();
  for (const source of spec.sources) if ("fd" in source) given.use(new OwnedFd(source.fd));
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

/** The log of a container that doesn't run. */
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
