// node:zlib: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "zlib",
  "BrotliCompress BrotliDecompress Deflate DeflateRaw Gunzip Gzip Inflate InflateRaw Unzip ZstdCompress " +
    "ZstdDecompress brotliCompress brotliCompressSync brotliDecompress brotliDecompressSync crc32 " +
    "createBrotliCompress createBrotliDecompress createDeflate createDeflateRaw createGunzip createGzip " +
    "createInflate createInflateRaw createUnzip createZstdCompress createZstdDecompress deflate " +
    "deflateRaw deflateRawSync deflateSync gunzip gunzipSync gzip gzipSync inflate inflateRaw " +
    "inflateRawSync inflateSync unzip unzipSync zstdCompress zstdCompressSync zstdDecompress " +
    "zstdDecompressSync",
  "codes constants",
  {},
);

export const {
  BrotliCompress, BrotliDecompress, Deflate, DeflateRaw, Gunzip, Gzip, Inflate, InflateRaw, Unzip,
  ZstdCompress, ZstdDecompress, brotliCompress, brotliCompressSync, brotliDecompress, brotliDecompressSync,
  codes, constants, crc32, createBrotliCompress, createBrotliDecompress, createDeflate, createDeflateRaw,
  createGunzip, createGzip, createInflate, createInflateRaw, createUnzip, createZstdCompress,
  createZstdDecompress, deflate, deflateRaw, deflateRawSync, deflateSync, gunzip, gunzipSync, gzip, gzipSync,
  inflate, inflateRaw, inflateRawSync, inflateSync, unzip, unzipSync, zstdCompress, zstdCompressSync,
  zstdDecompress, zstdDecompressSync,
} = module;
export default module;
