/** A stored ZIP of one member, as PyTorch writes its files, around a pickle of the test's own. */
export function torchFile(pickle: Buffer): Buffer {
  const name = Buffer.from("a/data.pkl");
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(name.length, 26);
  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt32LE(pickle.length, 20);
  entry.writeUInt32LE(pickle.length, 24);
  entry.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(entry.length + name.length, 12);
  end.writeUInt32LE(local.length + name.length + pickle.length, 16);
  return Buffer.concat([local, name, pickle, entry, name, end]);
}
