/**
 * @module
 * Requests to the kernel's connection tracking table (linux/netfilter/nfnetlink_conntrack.h). They delete the flows
 * that a DNAT rule has redirected, when the rule is removed. A UDP flow would otherwise last for as long as its sender
 * keeps sending. Pure.
 */
import { addressBytes, parseAddress } from "./address.ts";
import { attribute, nested, netlinkMessage, NLM_F } from "./netlink_message.ts";
import { PROTOCOL_NUMBERS } from "./nft_messages.ts";
import type { Protocol } from "./port.ts";

const DELETE = (1 << 8) | 2;
const FAMILY = { 4: 2, 6: 10 } as const;
const [TUPLE_REPLY, FILTER] = [2, 25];
const [TUPLE_IP, TUPLE_PROTO] = [1, 2];
const [PROTO_NUM, PROTO_SRC_PORT] = [1, 2];
const IP_SRC = { 4: 1, 6: 3 } as const;
const FILTER_REPLY_FLAGS = 2;
/** The fields to match in the reply direction: source address, protocol and source port. */
const COMPARED = (1 << 0) | (1 << 3) | (1 << 4);

/** The container endpoint that flows were redirected to. */
export interface FlowTarget {
  readonly protocol: Protocol;
  readonly address: string;
  readonly containerPort: number;
}

/** Encodes a request that deletes all flows to a target. Kernels before 5.16 refuse it. */
export function flowRemoval({ protocol, address, containerPort }: FlowTarget): Uint8Array<ArrayBuffer> {
  const target = parseAddress(address)!;
  const general = new Uint8Array([FAMILY[target.family], 0, 0, 0]);
  const tuple = nested(
    TUPLE_REPLY,
    nested(TUPLE_IP, attribute(IP_SRC[target.family], addressBytes(target))),
    nested(
      TUPLE_PROTO,
      attribute(PROTO_NUM, new Uint8Array([PROTOCOL_NUMBERS[protocol]])),
      attribute(PROTO_SRC_PORT, new Uint8Array([containerPort >> 8, containerPort & 0xff])),
    ),
  );
  const filter = nested(FILTER, attribute(FILTER_REPLY_FLAGS, new Uint8Array([COMPARED, 0, 0, 0])));
  const head = { type: DELETE, flags: NLM_F.REQUEST | NLM_F.ACK, sequence: 1 };
  return netlinkMessage(head, general, tuple, filter);
}
