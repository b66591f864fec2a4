// For compilers without libFuzzer: the files that are named, then made-up inputs and changed ones, always the same for
// a seed, until the target has enough. No coverage guides it.
//   copies [-seed=S] FILE...
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int count, char** arguments) {
  unsigned long seed = 1;
  std::vector<std::vector<uint8_t>> inputs;
  for (int i = 1; i < count; i++) {
    if (sscanf(arguments[i], "-seed=%lu", &seed) == 1) continue;
    std::ifstream file(arguments[i], std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    LLVMFuzzerTestOneInput(inputs.back().data(), inputs.back().size());
  }
  std::mt19937_64 random(seed);
  for (;;) {
    std::vector<uint8_t> input(random() % 600);
    if (!inputs.empty() && random() % 2 == 0) input = inputs[random() % inputs.size()];
    else std::generate(input.begin(), input.end(), [&] { return static_cast<uint8_t>(random()); });
    for (unsigned changes = random() % 8; changes > 0 && !input.empty(); changes--) {
      input[random() % input.size()] = static_cast<uint8_t>(random());
    }
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
}
