int a; /* ‮ */
