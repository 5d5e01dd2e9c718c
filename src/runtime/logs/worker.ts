/**
 * @module
 * Entry of the log Worker: one Worker and one epoll for the output of all containers, so that a loud container costs
 * the API nothing. Protocol: `protocol.ts`.
 */
import { serialiseError } from "../../errors.ts";
import { cString, EPOLL, Epoll, files, isErrno, O, OwnedFd } from "../../sys/mod.ts";
import { Channel, type ChannelHost } from "./channel.ts";
import type { ChannelSpec, FromLogWorker, ToLogWorker } from "./protocol.ts";

/** Reads are at most one pipe's worth (pipe(7): 64 KiB by default). */
const READ_BYTES = 64 << 10;

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

const host: ChannelHost = {
  read,
  // Without a writer open(2) would block; with O_NONBLOCK it succeeds, and the end comes only after a first writer.
  open: (source) => new OwnedFd("fd" in source ? source.fd : files.open(cString(source.path), O.RDONLY | O.NONBLOCK)),
  watch: (fd, ready) => epoll.add(fd, EPOLL.IN, ready),
  unwatch: (fd) => epoll.remove(fd),
  post,
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

function open(spec: ChannelSpec): void {
  try {
    channels.set(spec.key, new Channel(spec, host, scratch, () => channels.delete(spec.key)));
    post({ kind: "opened", key: spec.key });
  } catch (thrown) {
    post({ kind: "opened", key: spec.key, error: serialiseError(thrown) });
  }
}

function flushAll(ticket: number): void {
  for (const channel of channels.values()) channel.flush();
  post({ kind: "flushed", ticket });
}

function receive(message: ToLogWorker): void {
  switch (message.kind) {
    case "open":
      return open(message.channel);
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
    case "flush":
      return flushAll(message.ticket);
  }
}

scope.addEventListener("message", (event) => receive(event.data));
void epoll.run();
post({ kind: "ready" });
