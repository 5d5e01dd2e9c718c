/** Go's `os.FileMode`, in which engines report file modes. */

const DIR = 0x8000_0000;
const LINK = 0x0800_0000;
const DEVICE = 0x0400_0000;

const has = (mode: number, bit: number): boolean => (mode & bit) !== 0;

export const isGoDir = (mode: number): boolean => has(mode, DIR);
export const isGoLink = (mode: number): boolean => has(mode, LINK);
export const isGoDevice = (mode: number): boolean => has(mode, DEVICE);
