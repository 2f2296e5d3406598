void
deep(int n)
{
	for (;;) {
		if (n) {
			while (n) {
				if (n) {
					if (n) {
						n--;
					}
				}
			}
		}
	}
}
