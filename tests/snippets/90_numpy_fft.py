# Find the tones in a signal with the fast Fourier transform.
import numpy as np

RATE = 200
time = np.arange(RATE) / RATE
signal = 3.0 * np.sin(2 * np.pi * 5 * time) + 1.5 * np.cos(2 * np.pi * 20 * time) + 0.5

spectrum = np.fft.rfft(signal)
frequencies = np.fft.rfftfreq(len(signal), d=1 / RATE)
amplitude = np.abs(spectrum) / len(signal)
amplitude[1:] *= 2

for index in np.flatnonzero(amplitude > 0.1):
    print(f"{frequencies[index]:5.1f} Hz: {amplitude[index]:.3f}")

back = np.fft.irfft(spectrum, n=len(signal))
print("round trip:", bool(np.allclose(back, signal)))

spectrum[frequencies > 10] = 0
low = np.fft.irfft(spectrum, n=len(signal))
print("without high tones:", " ".join(f"{value:.3f}" for value in low[5:40:10]))

a, b = [1, 2, 3], [4, 5, 6]
product = np.fft.ifft(np.fft.fft(a, 5) * np.fft.fft(b, 5)).real
print("polynomial product:", np.rint(product).astype(int).tolist(), np.convolve(a, b).tolist())
