//! The slow twin (written below, once the fast one runs).
