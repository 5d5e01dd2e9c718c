/** What belongs to the machine and not to the file: labels of security modules, marks of overlayfs. */
const MACHINE = /^(security\.selinux|trusted\.overlay\.|user\.overlay\.)/;

/** The extended attributes that go with a file wherever it goes. */
export const portableXattrs = (names: readonly string[]): string[] => names.filter((name) => !MACHINE.test(name));
