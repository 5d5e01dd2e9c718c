/** The DNS port (RFC 1035, 4.2). */
export const NAME_PORT = 53;
