//! Protocol buffers that meshlane speaks, with their generated code.
