/** Which parts of guest memory lie in a file of ours: what a front-end maps of it, it tells us of in its memory table. */
import { fileIdentity } from 'vhost-user-native';
import type { DeviceMemory, MemoryFile } from 'vhost-user-ts';

/** The parts that begin where the file does, by ascending guest address. */
export function partsOfFile(memory: DeviceMemory, fd: number): readonly MemoryFile[] {
  const { device, inode } = fileIdentity(fd);
  return memory.files().filter((part) => {
    if (part.fileOffset !== 0) return false;
    const file = fileIdentity(part.fd);
    return file.device === device && file.inode === inode;
  });
}
