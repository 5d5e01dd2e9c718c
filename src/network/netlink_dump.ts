/**
 * @module
 * Dumps of the kernel's network configuration (rtnetlink(7)): all objects of one kind in this process's network
 * namespace.
 */
import { type FileCalls, NETLINK, type NetlinkCalls, OwnedFd } from "../sys/mod.ts";
import { messagesIn, netlinkMessage, NLM_F } from "./netlink_message.ts";

export type DumpCalls = NetlinkCalls & Pick<FileCalls, "close">;

/** How often an interrupted dump is attempted. */
const ATTEMPTS = 5;

/**
 * Returns the bodies of the messages that describe the objects. If the objects change during every attempt, the result
 * of the last one is returned, which may lack some.
 * @param request type of the request, type of the answers, length of the request's zeroed body in bytes
 * @throws {SysError}
 */
export async function netlinkDump(
  calls: DumpCalls,
  request: { readonly ask: number; readonly answer: number; readonly bodyBytes: number },
): Promise<Uint8Array[]> {
  using socket = new OwnedFd(calls.netlinkSocket(NETLINK.NETLINK_ROUTE, 0), calls);
  for (let sequence = 1;; sequence++) {
    const head = { type: request.ask, flags: NLM_F.REQUEST | NLM_F.DUMP, sequence };
    await calls.sendNetlink(socket.fd, netlinkMessage(head, new Uint8Array(request.bodyBytes)));
    const { bodies, isComplete } = readDump(calls, socket.fd, request.answer);
    if (isComplete || sequence === ATTEMPTS) return bodies;
  }
}

/** Reads until nothing is left: the kernel continues a dump whenever a part of it has been read. */
function readDump(
  calls: DumpCalls,
  fd: number,
  answer: number,
): { readonly bodies: Uint8Array[]; readonly isComplete: boolean } {
  const bodies: Uint8Array[] = [];
  let isComplete = true;
  for (let bytes = calls.receiveNetlink(fd); bytes !== "again"; bytes = calls.receiveNetlink(fd)) {
    if (bytes === "lost") {
      isComplete = false;
      continue;
    }
    for (const { type, flags, body } of messagesIn(bytes)) {
      if (flags & NLM_F.DUMP_INTR) isComplete = false;
      if (type === answer) bodies.push(body);
    }
  }
  return { bodies, isComplete };
}
