/**
 * @module
 * Interfaces of this process's network namespace and what kind each is, from the kernel (rtnetlink(7)).
 */
import { type FileCalls, NETLINK, type NetlinkCalls, OwnedFd } from "../sys/mod.ts";
import { attributeIn, messagesIn, netlinkMessage, NLM_F } from "./netlink_message.ts";

/** linux/rtnetlink.h and linux/if_link.h. */
const [NEWLINK, GETLINK] = [16, 18];
const [IFNAME, LINKINFO, INFO_KIND] = [3, 18, 1];
/** `struct ifinfomsg`. */
const INFO_BYTES = 16;

export interface LinkKind {
  readonly name: string;
  /** `bridge`, `veth`, `tun` …; undefined for one of hardware. */
  readonly kind: string | undefined;
}

/** All of them. @throws {SysError} */
export async function linkKinds(calls: NetlinkCalls & Pick<FileCalls, "close">): Promise<LinkKind[]> {
  using socket = new OwnedFd(calls.netlinkSocket(NETLINK.NETLINK_ROUTE, 0), calls);
  const head = { type: GETLINK, flags: NLM_F.REQUEST | NLM_F.DUMP, sequence: 1 };
  await calls.sendNetlink(socket.fd, netlinkMessage(head, new Uint8Array(INFO_BYTES)));
  const found: LinkKind[] = [];
  for (;;) {
    const bytes = calls.receiveNetlink(socket.fd);
    if (bytes === "again") return found;
    if (bytes === "lost") continue;
    for (const { type, body } of messagesIn(bytes)) if (type === NEWLINK) found.push(linkIn(body.subarray(INFO_BYTES)));
  }
}

function linkIn(attributes: Uint8Array): LinkKind {
  const info = attributeIn(attributes, LINKINFO);
  const kind = info && attributeIn(info, INFO_KIND);
  return { name: text(attributeIn(attributes, IFNAME)), kind: kind && text(kind) };
}

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes).replace(/\0.*$/s, "");
