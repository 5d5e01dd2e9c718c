/** Attributes that belong to the machine and not to the file: labels of security modules, overlayfs's attributes. */
const MACHINE = /^(security\.selinux|trusted\.overlay\.|user\.overlay\.)/;

/** Returns the extended attributes that a copy of the file keeps on another machine. */
export const portableXattrs = (names: readonly string[]): string[] => names.filter((name) => !MACHINE.test(name));
