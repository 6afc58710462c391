"""One till dialect a file: bytes in, canonical receipts out."""
