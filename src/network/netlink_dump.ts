/**
 * @module
 * Lists of the kernel's network configuration (rtnetlink(7)): all objects of one kind in this process's network namespace.
 */
import { type FileCalls, NETLINK, type NetlinkCalls, OwnedFd } from "../sys/mod.ts";
import { messagesIn, netlinkMessage, NLM_F } from "./netlink_message.ts";

export type DumpCalls = NetlinkCalls & Pick<FileCalls, "close">;

/** How often a list is asked for whose objects change while it is read. */
const ATTEMPTS = 5;

/**
 * Bodies of the messages that describe the objects. Where they change all the time, the list of the last attempt, which
 * may lack some. @param request type of the question, type of the answers, length of the question's empty body
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
    const { bodies, isWhole } = received(calls, socket.fd, request.answer);
    if (isWhole || sequence === ATTEMPTS) return bodies;
  }
}

/** What there is to read: the kernel goes on with a list whenever a part of it was read. */
function received(
  calls: DumpCalls,
  fd: number,
  answer: number,
): { readonly bodies: Uint8Array[]; readonly isWhole: boolean } {
  const bodies: Uint8Array[] = [];
  let isWhole = true;
  for (let bytes = calls.receiveNetlink(fd); bytes !== "again"; bytes = calls.receiveNetlink(fd)) {
    if (bytes === "lost") {
      isWhole = false;
      continue;
    }
    for (const { type, flags, body } of messagesIn(bytes)) {
      if (flags & NLM_F.DUMP_INTR) isWhole = false;
      if (type === answer) bodies.push(body);
    }
  }
  return { bodies, isWhole };
}
