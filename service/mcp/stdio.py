"""The protocol on standard input and output."""

from mcp.server.stdio import stdio_server

from service.mcp.desk import Desk
from service.mcp.protocol import protocol_server


async def serve(desk: Desk) -> None:
    """Serve the client at the other end until it closes our input."""
    server = protocol_server(lambda _: desk)
    async with stdio_server() as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())
